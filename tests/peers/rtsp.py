"""A real RTSP camera on loopback: gst-rtsp-server, in a process of the system's Python."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtspd.py")
MISSING = "gst-rtsp-server is not installed: see tests/install-peers"
USER, PASSWORD = "wächter 1", "p@s:s/w%ö?# x"
SIZE = (320, 240)


@dataclass(frozen=True)
class RtspServer:
    """A camera that streams test bars at /cam."""

    port: int
    pid: int

    def url(self, path: str = "/cam") -> str:
        return f"rtsp://127.0.0.1:{self.port}{path}"

    def freeze(self) -> None:
        """Stop answering; connections are still taken, by the kernel."""
        os.kill(self.pid, signal.SIGSTOP)


@functools.cache
def has(*elements: str) -> bool:
    """Tell whether the system's Python has GStreamer's RTSP server and these elements."""
    code = (
        "import gi\n"
        "gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0')\n"
        "from gi.repository import Gst, GstRtspServer\n"
        "Gst.init(None)\n"
        f"assert all(map(Gst.ElementFactory.find, {elements!r}))"
    )
    if not Path(PYTHON).exists():
        return False
    return subprocess.run([PYTHON, "-c", code], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def is_installed() -> bool:
    """Tell whether the system's Python has the server and the encoders."""
    return has("x264enc", "rtph264pay", "jpegenc", "rtpjpegpay", "videotestsrc")


@contextmanager
def rtsp_server(codec: str = "h264", login: bool = False, size: tuple[int, int] = SIZE) -> Iterator[RtspServer]:
    """Run a camera that streams `codec`, h264 or mjpeg; with `login` only to USER with PASSWORD, by Digest."""
    user, password = (USER, PASSWORD) if login else ("", "")
    process = subprocess.Popen(
        [PYTHON, str(SERVER), codec, str(size[0]), str(size[1]), user, password],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        with process.stdout as said:
            yield RtspServer(int(said.readline()), process.pid)
    finally:
        process.kill()
        process.wait(10)
