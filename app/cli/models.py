"""The commands `models list|search|get|verify|remove|token|quantize`: the models of this computer.

Words for people, JSON for programs; progress goes to stderr, or as events where JSON is asked for.
"""

import argparse
import dataclasses
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Problem, WorldError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from app.models.downloads import Download, Wanted
    from app.models.hub import Repository
    from app.models.library import LocalModel

_GB = 1e9


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command with its own commands."""
    from app.cli import quantize

    models = commands.add_parser("models", help="list, search, get, verify, remove, quantize")
    kinds = models.add_subparsers(dest="models_command", required=True, metavar="COMMAND")

    listed = kinds.add_parser("list", help="the models that are here, whoever fetched them")
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(run=run_list)

    search = kinds.add_parser("search", help="GGUF and MLX models of the hub")
    search.add_argument("words", nargs="+", metavar="WORD", help="or an address: what is there")
    search.add_argument("--engine", choices=("llama_cpp", "mlx"), help="only for this engine")
    search.add_argument("--json", action="store_true")
    search.set_defaults(run=run_search)

    get = kinds.add_parser("get", help="download a model; again: go on with it")
    get.add_argument("model", metavar="MODEL", help="hf://owner/name[/file][@rev] or a known name")
    get.add_argument("--quantization", metavar="Q", help="default: what fits this machine best")
    get.add_argument("--context", type=int, metavar="N", help="tokens that it shall fit with")
    get.add_argument("--accept-licence", action="store_true", help="its terms, where it has some")
    get.add_argument("--json", action="store_true", help="one event a line")
    get.set_defaults(run=run_get)

    verify = kinds.add_parser("verify", help="compare models with what was downloaded")
    verify.add_argument("model", nargs="?", metavar="MODEL", help="a path or name; default: all")
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(run=run_verify)

    remove = kinds.add_parser("remove", help="delete a model that Ponder downloaded, or began to")
    remove.add_argument("model", metavar="MODEL", help="a path or name")
    remove.add_argument("--really", action="store_true", help="also another program's files")
    remove.add_argument("--json", action="store_true")
    remove.set_defaults(run=run_remove)

    token = kinds.add_parser("token", help="keep a token (read from stdin) for gated models")
    token.add_argument("--remove", action="store_true", help="take it out of the keychain")
    token.set_defaults(run=run_token)

    quantize.add_parser(kinds)


def run_list(arguments: argparse.Namespace) -> int:
    """Print what is here, and what is on its way."""
    from app.models import library
    from app.models.downloads import Downloads

    models = library.found()
    with Downloads(go_on=False) as downloads:
        begun = downloads.all()
    if arguments.json:
        value = {
            "models": [dataclasses.asdict(model) for model in models],
            "downloads": [_download(download) for download in begun],
        }
        print(json.dumps(value, ensure_ascii=False))
        return 0
    for model in models:
        engine = "MLX" if model.engine == "mlx" else "GGUF"
        print(f"{_size(model.bytes):>11}  {engine:<4}  {model.source:<11}  {model.name}")
        print(f"{'':>13}{model.path}")
    for download in begun:
        print(f"{_share(download):>11}  {download.state}: {_name(download.wanted)}")
        if download.problem is not None:
            print(f"{'':>13}{download.problem.sentence()}")
    return 0


def run_search(arguments: argparse.Namespace) -> int:
    """Print the repositories that match, or what is at an address."""
    from app.models import hub

    words = " ".join(arguments.words)
    if hub.is_address(words):
        found: tuple[Repository, ...] = (hub.resolve(words),)
    else:
        found = hub.search(words, engine=arguments.engine)
    if arguments.json:
        value = [dataclasses.asdict(repository) for repository in found]
        print(json.dumps({"repositories": value}, ensure_ascii=False))
        return 0
    for repository in found:
        print(_repository(repository))
    if not found:
        print("Nothing found.")
    return 0


def run_get(arguments: argparse.Namespace) -> int:
    """Download a model and print where it is."""
    from app.cli.models_choice import choose
    from app.models.downloads import Downloads

    wanted = choose(
        arguments.model,
        quantization=arguments.quantization,
        context=arguments.context,
        accepted=arguments.accept_licence,
    )
    changed = threading.Event()
    with Downloads(changed.set, go_on=False) as downloads:
        download_id = downloads.start(wanted)
        told = ""
        try:
            while True:
                now = next(each for each in downloads.all() if each.id == download_id)
                told = _tell(now, told, as_json=arguments.json)
                if now.state == "done":
                    break
                if now.state == "failed" and now.problem is not None:
                    raise WorldError(now.problem)
                changed.wait(1.0)
                changed.clear()
        except KeyboardInterrupt:
            downloads.pause(download_id)
            raise
        finally:
            if not arguments.json and told:
                print(file=sys.stderr)
    if not arguments.json:
        print(now.path)
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Compare models with what was noted of them; 1 where one differs."""
    from app.models import library
    from app.models.library_care import verify

    models = (_found(arguments.model),) if arguments.model else library.found()
    checked = [check for model in models for check in verify(model)]
    if arguments.json:
        print(json.dumps({"files": [dataclasses.asdict(check) for check in checked]}))
    else:
        for check in checked:
            how = {"hash": "is what was downloaded", "header": "is whole"}[check.by]
            print(f"{check.path}: {check.problem.sentence() if check.problem else how}")
    return 1 if any(check.problem for check in checked) else 0


def run_remove(arguments: argparse.Namespace) -> int:
    """Delete a model and print what was deleted."""
    from app.models.library_care import remove

    if _cancelled(arguments.model):
        files: tuple[Path, ...] = ()
    else:
        files = remove(_found(arguments.model), really=arguments.really)
    if arguments.json:
        print(json.dumps({"deleted": list(map(str, files))}))
    else:
        for path in files:
            print(f"Deleted {path}")
        if not files:
            print("Deleted what had arrived of it.")
    return 0


def _cancelled(name: str) -> bool:
    """Forget a download that was begun, where it is called so; return whether one was."""
    from app.models.downloads import Downloads

    with Downloads(go_on=False) as downloads:
        for download in downloads.all():
            wanted = download.wanted
            if name in (download.id, wanted.repository, *wanted.files, _name(wanted)):
                downloads.cancel(download.id)
                return True
    return False


def run_token(arguments: argparse.Namespace) -> int:
    """Put a token into the keychain, or take it out."""
    import getpass

    from app.models import tokens

    if arguments.remove:
        tokens.keep("")
        print("The token is removed.")
        return 0
    asked = getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not asked.strip():
        raise WorldError(Problem("usage", "There was no token.", "Give it on one line."))
    tokens.keep(asked)
    print("The token is kept in the system's keychain.")
    return 0


def _found(name: str) -> "LocalModel":
    from app.models import library

    model = library.find(name)
    if model is None:
        raise WorldError(
            Problem(
                "unknown-model",
                f'There is no model "{name}" on this computer.',
                'Look at "ponder models list".',
            )
        )
    return model


def _tell(download: "Download", told: str, *, as_json: bool) -> str:
    """Say how far it is, where that has changed; return what was said."""
    if as_json:
        line = json.dumps({"event": _event(download.state), **_download(download)})
    else:
        speed = f", {download.bytes_per_s / 1e6:.1f} MB/s" if download.bytes_per_s else ""
        left = f", {_duration(download.seconds_left)} left" if download.seconds_left else ""
        line = f"{download.state} {_share(download)}{speed}{left}"
    if line != told:
        if as_json:
            print(line, flush=True)
        else:
            print(f"\r{line:<60}", end="", file=sys.stderr, flush=True)
    return line


def _event(state: str) -> str:
    return state if state in ("done", "failed") else "progress"


def _download(download: "Download") -> dict[str, object]:
    value = dataclasses.asdict(download)
    return {**value, "wanted": dataclasses.asdict(download.wanted)}


def _name(wanted: "Wanted") -> str:
    return f"{wanted.repository}/{wanted.files[0]}" if wanted.files else wanted.repository


def _share(download: "Download") -> str:
    if not download.total_bytes:
        return "-"
    return f"{download.done_bytes / download.total_bytes:.0%} of {_size(download.total_bytes)}"


def _size(size: int) -> str:
    return f"{size / _GB:.2f} GB" if size >= _GB / 10 else f"{size / 1e6:.1f} MB"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _repository(repository: "Repository") -> str:
    facts = [repository.licence or "no licence named"]
    if repository.gated:
        facts.append("its licence has to be accepted on its page")
    if repository.downloads:
        facts.append(f"{repository.downloads:,} downloads")
    lines = [f"{repository.id}  ({', '.join(facts)})"]
    if repository.why_not:
        lines += [f"    {repository.why_not}", f"    {repository.why_not_advice}"]
    for file in repository.files:
        size = _size(file.bytes) if file.bytes else ""
        lines.append(
            f"    {size:>11}  {file.quantization:<12}  {file.name or 'the whole repository'}"
        )
    return "\n".join(lines)
