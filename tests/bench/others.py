"""What else could show a stream, measured on the same text: ratios for tests/bench/bench_view.py.

Two are given the whole text at every tick, which is how they are used: a QTextBrowser by
setMarkdown, without formulas; and a page in Chromium whose text goes through markdown-it and KaTeX.
The third is a QPlainTextEdit, to which each tick adds its characters as they are, without Markdown,
colours or formulas. What the first two cost grows with what is there
already, so the whole stream would take hours: the text is streamed in sizes of which each is twice
the one before, and the last two say how the cost of a tick grows. Chromium's cost is the processor
time of all its processes.
"""

import http.server
import json
import math
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QTextBrowser

_PARSERS = ("dist/browser/markdown-it.umd.min.js", "dist/markdown-it.min.js")
"""Where releases of markdown-it have what a page loads."""

SIZES = (5_000, 10_000, 20_000)
PAUSE_S = 0.012
PAGE_S = 240.0
"""How long a page may take."""

_PAGE = """<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="/katex/dist/katex.min.css">
<style>body{width:760px;font:15px sans-serif}td,th{border:1px solid #ccc}</style>
<div id="said"></div>
<script src="/katex/dist/katex.min.js"></script>
<script src="/katex/dist/contrib/auto-render.min.js"></script>
<script src="/markdown-it/PARSER"></script>
<script type="module">
const text = TEXT, step = STEP, said = document.getElementById("said");
const md = window.markdownit(), sides = [
  {left: "$$", right: "$$", display: true}, {left: "$", right: "$", display: false}];
const frame = () => new Promise(done => setTimeout(done, 0));
await fetch("/begin");
for (let end = step; end < text.length + step; end += step) {
  said.innerHTML = md.render(text.slice(0, end));
  renderMathInElement(said, {delimiters: sides, throwOnError: false});
  window.scrollTo(0, document.body.scrollHeight);
  await frame();
}
await fetch("/end");
</script>"""


def compare(
    found: dict[str, Any], text: str, step: int, modules: Path | None, chromium: str
) -> None:
    """Print what a stream, as `bench_view` measured it, costs the others. step: its characters."""
    _tell_plain(found, text, step)
    _tell("QTextBrowser.setMarkdown", found, len(text), _growth(_browse, text, step))
    if modules is None:
        print("A page with KaTeX is not compared: --katex names no folder.")
    elif not (modules / "katex").is_dir() or not (modules / "markdown-it").is_dir():
        print(f"A page with KaTeX is not compared: katex or markdown-it is not in {modules}.")
    else:

        def page(text: str, step: int) -> float:
            return _page(text, step, modules, chromium)

        _tell("KaTeX in Chromium", found, len(text), _growth(page, text, step))


def _tell_plain(found: dict[str, Any], text: str, step: int) -> None:
    spent = _append(text, step)
    plain, ours = statistics.median(spent), found["cpu_ms"]["p50"] / 1e3
    print(
        f"{found['kind']}, {found['tokens_per_s']} tokens/s: QPlainTextEdit, given each tick's "
        f"characters as plain text, takes {plain * 1e3:.2f} ms a tick (median); ours, with all "
        f"that is made of them, {ours * 1e3:.2f}: {ours / plain:.2f} times that.",
        flush=True,
    )


def _append(text: str, step: int) -> list[float]:
    """Add a text to a QPlainTextEdit; return this thread's processor time of each tick, in s."""
    app = QApplication.instance() or QApplication([])
    plain = QPlainTextEdit()
    plain.resize(1016, 700)
    plain.show()
    app.processEvents()
    spent = []
    for start in range(0, len(text), step):
        cpu = time.thread_time()
        cursor = plain.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text[start : start + step])
        plain.verticalScrollBar().setValue(plain.verticalScrollBar().maximum())
        app.processEvents()
        spent.append(time.thread_time() - cpu)
        # The transcript waits for formulas about as long between two ticks of the bench.
        time.sleep(PAUSE_S)
    plain.close()
    return spent


def _growth(run: Callable[[str, int], float], text: str, step: int) -> list[tuple[int, float]]:
    """Return the mean cost of a tick, in seconds, for each size."""
    return [(size, run(text[:size], step) / math.ceil(size / step)) for size in SIZES]


def _tell(name: str, found: dict[str, Any], length: int, growth: list[tuple[int, float]]) -> None:
    ours = found["cpu_s"] / found["ticks"]
    (before, less), (last, more) = growth[-2:]
    power = math.log(more / less) / math.log(last / before)
    whole = more * (length / last) ** power
    said = ", ".join(f"{size // 1000} kB {cost * 1e3:.1f} ms" for size, cost in growth)
    print(
        f"{found['kind']}, {found['tokens_per_s']} tokens/s: a tick of {name} takes on average "
        f"{said}: as the length to the power of {power:.2f}. Ours takes {ours * 1e3:.1f} ms for "
        f"{length // 1000} kB: 1/{more / ours:.1f} of its cost for {last // 1000} kB, "
        f"1/{whole / ours:.0f} of what {length // 1000} kB would come to.",
        flush=True,
    )


def _browse(text: str, step: int) -> float:
    """Stream into a QTextBrowser; return this thread's processor time in seconds."""
    app = QApplication.instance() or QApplication([])
    browser = QTextBrowser()
    browser.resize(1016, 700)
    browser.show()
    app.processEvents()
    cpu = time.thread_time()
    for end in range(step, len(text) + step, step):
        browser.setMarkdown(text[:end])
        browser.verticalScrollBar().setValue(browser.verticalScrollBar().maximum())
        app.processEvents()
    spent = time.thread_time() - cpu
    browser.close()
    return spent


def _served(page: bytes, modules: Path, reached: Callable[[str], None]) -> Callable[..., Any]:
    """Return what serves a page and the modules beside it; reached: the page says where it is."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path in ("/begin", "/end"):
                reached(self.path)
                self._answer(b"")
            elif self.path == "/":
                self._answer(page)
            else:
                super().do_GET()

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    return partial(Handler, directory=str(modules))


def _page(text: str, step: int, modules: Path, chromium: str) -> float:
    """Stream into a page; return the processor time of the browser's processes in seconds."""
    parser = next(path for path in _PARSERS if (modules / "markdown-it" / path).exists())
    said = _PAGE.replace("PARSER", parser).replace("STEP", str(step))
    said = said.replace("TEXT", json.dumps(text).replace("<", "\\u003c"))
    times: dict[str, float] = {}
    done = threading.Event()
    family: list[psutil.Process] = []

    def reached(where: str) -> None:
        times[where] = _spent(family[0])
        if where == "/end":
            done.set()

    handler = _served(said.encode(), modules, reached)
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        tempfile.TemporaryDirectory() as profile,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = ["--headless", "--disable-gpu", "--no-first-run", "--window-size=1016,700"]
        if os.name == "posix" and os.geteuid() == 0:
            options.append("--no-sandbox")
        address = f"http://127.0.0.1:{server.server_port}/"
        browser = subprocess.Popen(
            [
                chromium,
                *options,
                f"--user-data-dir={profile}",
                "--remote-debugging-port=0",
                address,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        family.append(psutil.Process(browser.pid))
        try:
            if not done.wait(PAGE_S):
                raise TimeoutError(f"the page took more than {PAGE_S:.0f} s")
        finally:
            for process in [*family[0].children(recursive=True), family[0]]:
                process.kill()
            browser.wait()
            server.shutdown()
    return times["/end"] - times["/begin"]


def _spent(root: psutil.Process) -> float:
    """Return the processor time of a process and all its descendants."""
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        spent = process.cpu_times()
        total += spent.user + spent.system
    return total
