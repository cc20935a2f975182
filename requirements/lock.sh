#!/bin/sh
# Make the four locks anew from pyproject.toml. Needs uv. The tests are resolved first and the
# application within that, so that both hold the same versions: mistral-common, which only the tests
# use, allows fewer versions of numpy. Change pyproject.toml, run this, and commit both.
set -eu
cd "$(dirname "$0")/.."
lock="uv pip compile pyproject.toml --quiet --universal --generate-hashes --python-version 3.11"
$lock --group test --output-file requirements/test.txt
$lock --constraints requirements/test.txt --output-file requirements/app.txt
uv pip compile --group build --quiet --universal --generate-hashes --python-version 3.11 \
    --output-file requirements/build.txt
uv pip compile --group node --quiet --universal --generate-hashes --python-version 3.11 \
    --output-file requirements/node.txt
