"""Headless Chromium, driven through its debugging pipe; nothing but Python is needed.

Commands and events of the Chrome DevTools Protocol are JSON that ends in a zero byte:
they go in at file descriptor 3 of the browser and come out at 4.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACE = "CIRCUITZOO_BROWSER"
"""The environment variable that names a Chromium."""
WAIT = 60.0
"""Seconds after which an answer is no longer waited for."""

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-pipe",
)

# Chromium looks for the two ends at 3 and 4; what runs this becomes Chromium.
_PUT_IN_PLACE = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for place, end in enumerate(ends, 3):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_browser() -> str | None:
    """Return the path of a Chromium, None if there is none."""
    if named := os.environ.get(PLACE):
        return named
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Browser:
    """A running Chromium with one page.

    Attributes:
        write: the descriptor that commands go to.
        read: the descriptor that answers and events come from.
        problems: errors of the page: exceptions, the console, requests that failed.
        requests: the addresses that the page asked for.
    """

    write: int
    read: int
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _number: int = 0
    _rest: bytes = b""
    _session: str = ""
    _events: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Attach to a new page, and listen to it."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        found = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def open(self, address: str, *, scripts: bool = True) -> None:
        """Open a page, and wait until it has loaded."""
        self.problems.clear()
        self.requests.clear()
        self._events.clear()
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        # A page that differs only behind its `#` would not be loaded again.
        self.send("Page.navigate", url="about:blank")
        self._wait_for("Page.loadEventFired")
        self.requests.clear()
        self._events.clear()
        self.send("Page.navigate", url=address)
        self._wait_for("Page.loadEventFired")

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page, awaited."""
        found = self.send(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set the size of the page in pixels, and whether dark colours are wanted."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, key: str) -> None:
        """Press and release a key, such as `Tab`, `Enter` or `Escape`."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39, "ArrowLeft": 37}
        text = {"text": "\r"} if key == "Enter" else {}
        code = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.send("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **code)

    def point(self, selector: str) -> None:
        """Move the pointer onto the middle of an element."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        self.send("Input.insertText", text=text)

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write a screenshot as PNG."""
        found = self.send(
            "Page.captureScreenshot", format="png", captureBeyondViewport=whole
        )
        path.write_bytes(base64.b64decode(found["data"]))

    # The protocol ------------------------------------------------------------------

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a command."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self.write, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]

    def _wait_for(self, event: str) -> None:
        while event not in self._events:
            self._next()

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + WAIT
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.read], [], [], end - time.monotonic())
            if not ready:
                raise AssertionError(f"the browser was silent for {WAIT:.0f} s")
            found = os.read(self.read, 2**20)
            if not found:
                raise AssertionError("the browser ended")
            self._rest += found
        line, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, said: dict[str, Any]) -> None:
        """Keep what an event says, if a test may want to know it."""
        self._events.append(method)
        if method == "Runtime.exceptionThrown":
            self.problems.append(f"exception: {said['exceptionDetails']}")
        elif method == "Runtime.consoleAPICalled" and said["type"] in (
            "error",
            "warning",
        ):
            self.problems.append(f"console: {said['args']}")
        elif method == "Log.entryAdded" and said["entry"]["level"] in (
            "error",
            "warning",
        ):
            self.problems.append(f"log: {said['entry']}")
        elif method == "Network.loadingFailed" and not said.get("canceled"):
            self.problems.append(f"request: {said}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])


@contextmanager
def browser(path: str) -> Iterator[Browser]:
    """Yield a running Chromium; it ends with the block."""
    to_browser, from_us = os.pipe()
    to_us, from_browser = os.pipe()
    with tempfile.TemporaryDirectory(prefix="circuitzoo-browser-") as profile:
        flags = [*_FLAGS, f"--user-data-dir={profile}"]
        ends = [str(to_browser), str(from_browser)]
        running = subprocess.Popen(
            [sys.executable, "-ISc", _PUT_IN_PLACE, *ends, path, *flags],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            found = Browser(from_us, to_us)
            found.start()
            yield found
        finally:
            running.terminate()
            with suppress(subprocess.TimeoutExpired):
                running.wait(10)
            running.kill()
            running.wait()
            os.close(from_us)
            os.close(to_us)
            time.sleep(0.2)  # its children still write into the profile
