"""The worker that is a node's FTP server: it lives as long as the node, and ends with it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from core.capture.ftpd.room import Account
from core.capture.ftpd.session import Doors, handler_of
from core.capture.listen import parse_listen, parse_ports
from core.errors import ChildError, ConfigurationError, StorageError
from core.text import safe

if TYPE_CHECKING:
    from core.worker import Talk

Json = dict[str, Any]

CONNECTIONS, OF_ONE = 128, 32  # at once, and from one address: many cameras may stand behind one router
POLL = 1.0  # seconds
ALIVE = 60.0  # seconds between two signs of life


class FtpdService:
    """Serves `open` and `serve`.

    `open` {"listen", "passive_ports", "masquerade", "certificate_file", "key_file", "plain", "floor", "accounts":
    [{"camera", "user", "password", "folder", "max_size"}]}: listen. `serve`: take uploads until the process ends, and
    say {"listening"} at first, {"arrived": CAMERA}, {"refused": WHY, "camera"}, {"stranger": USER, "address"}, and
    {"alive"} now and then.
    """

    def __init__(self) -> None:
        self._server: Any = None
        self._news: list[Json] = []

    def handle(self, op: str, args: Json, talk: Talk) -> Json:
        """Do `op`; raise ConfigurationError when it cannot listen, StorageError when a folder cannot be made."""
        if op == "open":
            self._open(args)
            return {}
        if op != "serve" or self._server is None:
            raise ChildError(f"the FTP server does not know {op!r}, or is not open")
        self._serve(talk)
        return {}

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close_all()

    def _open(self, args: Json) -> None:
        self.close()
        accounts = {one["user"]: _account(one, args["floor"]) for one in args["accounts"]}
        secure = args.get("certificate_file"), args.get("key_file")
        doors = Doors(
            parse_ports(args["passive_ports"]),
            args.get("masquerade"),
            (Path(secure[0]), Path(secure[1] or secure[0])) if secure[0] is not None else None,
            args.get("plain", False),
        )
        try:
            handler = handler_of(accounts, doors, self._news.append)
            self._server = FTPServer(parse_listen(args["listen"]), handler, ioloop=IOLoop())
        except OSError as error:
            raise ConfigurationError(
                f"{args['listen']}: {error.strerror or error}; another program may listen there"
            ) from error
        except Exception as error:  # OpenSSL's, whose class is not to be imported for this
            raise ConfigurationError(f"TLS: {type(error).__name__}: {safe(error, 100)}") from error
        self._server.max_cons, self._server.max_cons_per_ip = CONNECTIONS, OF_ONE

    def _serve(self, talk: Talk) -> None:
        talk.say(listening=self._server.address[1])
        alive = time.monotonic()
        while True:
            self._server.ioloop.loop(POLL, blocking=False)
            news, self._news[:] = list(self._news), []
            for one in news:
                talk.say(**one)
            if time.monotonic() - alive >= ALIVE:
                alive = time.monotonic()
                talk.say(alive=True)


def _account(told: Json, floor: int) -> Account:
    folder = Path(told["folder"])
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o750, parents=True)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}") from error
    return Account(told["camera"], told["user"], told["password"], folder, told["max_size"], floor)
