"""A real Chromium, driven over its DevTools protocol by a pipe: no library, no port."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = "chromium is not installed: apt-get install chromium"
PATIENCE = 20.0  # seconds for anything, on a busy machine
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)


class Browser:
    """One browser; each page is a visitor of its own."""

    def __init__(self, profile: Path) -> None:
        to_us, from_them = os.pipe()
        to_them, from_us = os.pipe()
        command = f'exec "$@" 3<&{to_them} 4>&{from_them}'
        self.process = subprocess.Popen(
            ["bash", "-c", command, "bash", str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(to_them, from_them),
        )
        os.close(to_them)
        os.close(from_them)
        self._in, self._out = to_us, from_us
        self._buffer = b""
        self._number = 0
        self.pages: dict[str, Page] = {}

    def call(self, method: str, session: str | None = None, **params: Any) -> Json:
        """Ask the browser and return its answer; events that come meanwhile go to their pages."""
        self._number += 1
        number = self._number
        message: Json = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            found = self._read(until)
            if found is None:
                raise AssertionError(f"Chromium does not answer {method}")
            if found.get("id") == number:
                assert "error" not in found, f"{method}: {found['error']}"
                answer: Json = found["result"]
                return answer

    def hear(self, seconds: float) -> None:
        """Take in what the pages tell for a moment."""
        until = time.monotonic() + seconds
        while self._read(until) is not None:
            pass

    def _read(self, until: float) -> Json | None:
        """Return the next message, None when none comes in time."""
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            piece = os.read(self._in, 1 << 20)
            assert piece, "Chromium has ended"
            self._buffer += piece
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: Json = json.loads(text)
        page = self.pages.get(message.get("sessionId", ""))
        if page is not None and "method" in message:
            page.take(message["method"], message["params"])
        return message

    def page(self, width: int = 1280, height: int = 900, script: bool = True, clock_ahead: float = 0.0) -> Page:
        """Return a new visitor with a window of this size; `clock_ahead`: seconds by which the visitor's clock errs."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setScriptExecutionDisabled", value=not script)
        page.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        if clock_ahead:
            source = f"const now = Date.now; Date.now = () => now() + {clock_ahead * 1000};"
            page.call("Page.addScriptToEvaluateOnNewDocument", source=source)
        return page

    def close(self) -> None:
        """End it with all its children, which would else go on writing to the profile."""
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close")
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._in)
        os.close(self._out)


class Page:
    """One visitor: what it shows, what it asked for, what it complained of."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self.requests: list[str] = []
        self.bytes = 0  # received, of bodies and headers
        self.complaints: deque[str] = deque()
        self._loaded = False

    def call(self, method: str, **params: Any) -> Json:
        return self._browser.call(method, self._session, **params)

    def take(self, method: str, params: Json) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.loadingFinished":
            self.bytes += params["encodedDataLength"]
        elif method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("warning", "error"):
            self.complaints.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(params["args"]))

    def open(self, url: str) -> None:
        """Open an address and wait until all that it names has come."""
        self._loaded = False
        self.call("Page.navigate", url=url)
        until = time.monotonic() + PATIENCE
        while not self._loaded:
            assert time.monotonic() < until, f"{url} does not load"
            self._browser.hear(0.05)

    def evaluate(self, expression: str) -> Any:
        """Return what a script of ours says of the page; also where the page's own scripts are off."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        """Return the text that a visitor reads there."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def until(self, expression: str, what: str) -> Any:
        """Return what a script says as soon as it is true."""
        until = time.monotonic() + PATIENCE
        while not (found := self.evaluate(expression)):
            assert time.monotonic() < until, f"not in time: {what}; {list(self.complaints)}"
            self._browser.hear(0.1)
        return found

    def come_back(self) -> None:
        """Do what a visitor does who returns to this tab: the page then looks at once."""
        self.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def screenshot(self, file: Path) -> None:
        """Write what is seen of the whole page to a PNG file."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        file.write_bytes(base64.b64decode(answer["data"]))


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser with a profile of its own until the block ends."""
    with tempfile.TemporaryDirectory(prefix="overlapse-chromium-", ignore_cleanup_errors=True) as profile:
        browser = Browser(Path(profile))
        try:
            yield browser
        finally:
            browser.close()
