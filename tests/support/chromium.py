"""A headless Chromium, spoken to over pipes as its DevTools are: no port, no driver, no library.

It is started without a network of its own where the system allows that (`unshare -n`), and what it
asks for is counted besides.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def found() -> str | None:
    """Return the browser's program, None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


class Page:
    """A tab. said: what its console and log told. asked: the addresses that it asked for."""

    def __init__(self, write: int, read: int) -> None:
        self._write = write
        self._read = read
        self._held = b""
        self._number = 0
        self._tab = ""
        self._done: set[str] = set()
        self.said: list[str] = []
        self.asked: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._tab = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Do something and return what came of it. Raises RuntimeError."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if self._tab:
            message["sessionId"] = self._tab
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            event = self._next()
            if event.get("id") == number:
                if "error" in event:
                    raise RuntimeError(f"{method}: {event['error']}")
                return dict(event["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            more = os.read(self._read, 1 << 20)
            if not more:
                raise RuntimeError("the browser has ended")
            self._held += more
        one, _, self._held = self._held.partition(b"\0")
        event: dict[str, Any] = json.loads(one)
        inner = event.get("params", {})
        match event.get("method"):
            case "Runtime.consoleAPICalled":
                self.said.append(f"console.{inner['type']}: {inner['args']}")
            case "Runtime.exceptionThrown":
                self.said.append(f"exception: {inner['exceptionDetails'].get('text')}")
            case "Log.entryAdded":
                self.said.append(f"{inner['entry']['level']}: {inner['entry']['text']}")
            case "Network.requestWillBeSent":
                self.asked.append(inner["request"]["url"])
            case "Page.loadEventFired":
                self._done.add("load")
        return event

    def open(self, path: Path, *, dark: bool = False, script: bool = False) -> None:
        """Open a file and wait until it is there."""
        self._done.clear()
        self.said.clear()
        self.asked.clear()
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=path.as_uri())
        while "load" not in self._done:
            self._next()

    def value(self, expression: str) -> Any:
        """Return what an expression is worth, on the browser's own behalf: no script is needed."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def click(self, selector: str) -> None:
        """Click on the middle of the first element that a selector names."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.scrollIntoViewIfNeeded", nodeId=node)
        box = self.call("DOM.getBoxModel", nodeId=node)["model"]["content"]
        x, y = (box[0] + box[4]) / 2, (box[1] + box[5]) / 2
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path, *, most_px: int = 4000) -> None:
        """Save what the page looks like, as much of it as is not too long."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {
            "x": 0,
            "y": 0,
            "width": size["width"],
            "height": min(size["height"], most_px),
            "scale": 1,
        }
        made = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(made["data"]))


@contextmanager
def page(width: int = 900, height: int = 900) -> Iterator[Page]:
    """Start the browser and lend a tab of it. Raises RuntimeError where there is no browser."""
    program = found()
    if program is None:
        raise RuntimeError("Chromium is not installed")
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    # It reads from its third descriptor and writes to its fourth; bash hands them on.
    cut = "unshare -n -- " if _can_cut() else ""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        command = (
            f'exec {cut}"{program}" --headless --no-sandbox --disable-gpu --hide-scrollbars'
            f" --remote-debugging-pipe --user-data-dir={profile} --no-first-run"
            " --disable-background-networking --disable-component-update --disable-sync"
            f" --window-size={width},{height} 3<&{to_read} 4>&{from_write}"
        )
        process = subprocess.Popen(
            ["bash", "-c", command],
            pass_fds=(to_read, from_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(from_write)
        try:
            yield Page(to_write, from_read)
        finally:
            os.close(to_write)
            os.close(from_read)
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _can_cut() -> bool:
    """Whether a process may be started without a network."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    return tried.returncode == 0
