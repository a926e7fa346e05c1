"""Who has stolen a unit and its keys: every way in which raw clients may alter or delete what has arrived.

Each way is a function that tries, and raises or answers whatever it likes: what counts is what then lies there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from ftplib import FTP, all_errors
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import paramiko
import requests
from botocore.exceptions import BotoCoreError, ClientError
from paramiko.sftp import CMD_EXTENDED

Ways = Mapping[str, Callable[[], object]]
LOOT = b"of the thief"
PARTIAL = ".x.0123456789abcdef.part"


def attempt(way: Callable[[], object]) -> None:
    """Try one way, whatever comes of it."""
    with suppress(OSError, paramiko.SSHException, requests.RequestException, BotoCoreError, ClientError, *all_errors):
        way()


def in_turn(*steps: Callable[[], object]) -> Callable[[], object]:
    """Return what takes these steps, whatever comes of each."""

    def tried() -> None:
        for step in steps:
            attempt(step)

    return tried


def by_sftp(client: paramiko.SFTPClient, path: str) -> Ways:
    """Try it over SFTP, OpenSSH's extensions included."""
    place = PurePosixPath(path)
    own = f"{place.parent}/own.jpg"

    return {
        "delete": lambda: client.remove(path),
        "overwrite": lambda: _write(client, path, "wb"),
        "append": lambda: _write(client, path, "ab"),
        "write into": lambda: _write(client, path, "r+b"),
        "truncate": lambda: client.truncate(path, 3),
        "rename": lambda: client.rename(path, f"{path}.gone"),
        "rename at once": lambda: client.posix_rename(path, f"{path}.gone"),
        "rename over": in_turn(lambda: _write(client, own, "wb"), lambda: client.posix_rename(own, path)),
        "rename a partial over": in_turn(
            lambda: _write(client, f"{place.parent}/{PARTIAL}", "wb"),
            lambda: client.posix_rename(f"{place.parent}/{PARTIAL}", path),
        ),
        "change rights": lambda: client.chmod(path, 0),
        "change rights of the folder": lambda: client.chmod(str(place.parent), 0),
        "change owner": lambda: client.chown(path, 0, 0),
        "change times": lambda: client.utime(path, (0, 0)),
        "link and write": in_turn(
            lambda: client._request(CMD_EXTENDED, "hardlink@openssh.com", path, own),  # type: ignore[attr-defined]
            lambda: _write(client, own, "r+b"),
        ),
        "symlink over": lambda: client.symlink("/etc/passwd", path),
        "symlink for the server's job": lambda: client.symlink(path, f"{place.parent}/link"),
        "remove the folder": lambda: client.rmdir(str(place.parent)),
        "rename the folder": lambda: client.posix_rename(str(place.parent), f"{place.parent}.gone"),
    }


def _write(client: paramiko.SFTPClient, path: str, mode: str) -> None:
    with client.open(path, mode) as file:
        file.write(LOOT)


def by_ftp(client: FTP, path: str) -> Ways:
    """Try it over FTP."""
    place = PurePosixPath(path)

    def store(command: str, name: str, rest: int | None = None) -> object:
        return client.storbinary(f"{command} {name}", BytesIO(LOOT), rest=rest)

    return {
        "delete": lambda: client.delete(path),
        "overwrite": lambda: store("STOR", path),
        "append": lambda: store("APPE", path),
        "write into": lambda: store("STOR", path, 3),
        "rename": lambda: client.rename(path, f"{path}.gone"),
        "rename over": lambda: (
            store("STOR", f"{place.parent}/own.jpg"),
            client.rename(f"{place.parent}/own.jpg", path),
        ),
        "change rights": lambda: client.voidcmd(f"SITE CHMOD 000 {path}"),
        "change times": lambda: client.voidcmd(f"MDTM 19700101000000 {path}"),
        "remove the folder": lambda: client.rmd(str(place.parent)),
        "rename the folder": lambda: client.rename(str(place.parent), f"{place.parent}.gone"),
    }


def by_http(url: str, name: str) -> Ways:
    """Try it over HTTP, WebDAV's methods included. `url` ends without a slash."""
    place, folder = f"{url}/{name}", f"{url}/{PurePosixPath(name).parent}"
    own, partial = f"{folder}/own.jpg", f"{folder}/{PARTIAL}"

    def ask(method: str, at: str, data: bytes | None = None, **headers: str) -> requests.Response:
        said = {key.replace("_", "-"): value for key, value in headers.items()}
        return requests.request(method, at, data=data, headers=said, timeout=10)

    def over(method: str, source: str, overwrite: str | None) -> Callable[[], object]:
        steps = [lambda: ask("PUT", source, LOOT)]
        if overwrite is None:
            return in_turn(*steps, lambda: ask(method, source, Destination=place))
        return in_turn(*steps, lambda: ask(method, source, Destination=place, Overwrite=overwrite))

    ways: dict[str, Callable[[], object]] = {
        "delete": lambda: ask("DELETE", place),
        "delete with a slash": lambda: ask("DELETE", f"{place}/"),
        "overwrite": lambda: ask("PUT", place, LOOT),
        "overwrite by another spelling": lambda: ask("PUT", place.replace(".jpg", "%2ejpg"), LOOT),
        "write into": lambda: ask("PUT", place, LOOT, Content_Range=f"bytes 0-{len(LOOT) - 1}/99999"),
        "pretend to be a partial": lambda: ask("PUT", place, LOOT, Overwrite=f"/{PARTIAL} F", X=f"/{PARTIAL}"),
        "patch": lambda: ask("PATCH", place, LOOT),
        "post": lambda: ask("POST", place, LOOT),
        "rename": lambda: ask("MOVE", place, Destination=f"{place}.gone", Overwrite="F"),
        "rename to a partial": lambda: ask("MOVE", place, Destination=partial, Overwrite="F"),
        "change properties": lambda: ask("PROPPATCH", place, b"<x/>"),
        "lock": lambda: ask("LOCK", place, b"<x/>"),
        "make a folder of it": lambda: ask("MKCOL", f"{place}/"),
        "delete the folder": lambda: ask("DELETE", f"{folder}/"),
        "rename the folder": lambda: ask("MOVE", f"{folder}/", Destination=f"{folder}-gone/", Overwrite="F"),
        "move a folder over": lambda: (
            ask("MKCOL", f"{url}/{PARTIAL}/"),
            ask("MOVE", f"{url}/{PARTIAL}/", Destination=f"{folder}/", Overwrite="T"),
            ask("MOVE", f"{url}/{PARTIAL}/", Destination=f"{folder}/", Overwrite="F"),
        ),
    }
    for method in ("MOVE", "COPY"):
        for word in ("T", "F", "f", None):
            ways[f"{method} own over, {word}"] = over(method, own, word)
            ways[f"{method} a partial over, {word}"] = over(method, partial, word)
    return ways


def by_s3(client: Any, Bucket: str, Key: str) -> Ways:  # noqa: N803 - boto3's own names
    """Try it with a key of a bucket."""
    bucket, key = Bucket, Key
    at = {"Bucket": bucket, "Key": key}

    def joined() -> object:
        upload = client.create_multipart_upload(**at)["UploadId"]
        etag = client.upload_part(**at, UploadId=upload, PartNumber=1, Body=LOOT)["ETag"]
        parts = {"Parts": [{"ETag": etag, "PartNumber": 1}]}
        return client.complete_multipart_upload(**at, UploadId=upload, MultipartUpload=parts)

    def delete_versions() -> None:
        for version in client.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]:
            client.delete_object(**at, VersionId=version["VersionId"])

    rule = {
        "ID": "x",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": 1},
    }
    return {
        "delete": lambda: client.delete_object(**at),
        "delete several": lambda: client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]}),
        "overwrite": lambda: client.put_object(**at, Body=LOOT),
        "overwrite in parts": joined,
        "copy over itself": lambda: client.copy_object(**at, CopySource=at, MetadataDirective="REPLACE", Metadata={}),
        "delete the versions": delete_versions,
        "suspend versioning": lambda: (
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
            client.put_object(**at, Body=LOOT),
        ),
        "drop the policy": in_turn(lambda: client.delete_bucket_policy(Bucket=bucket), delete_versions),
        "write a policy": lambda: client.put_bucket_policy(Bucket=bucket, Policy="{}"),
        "have old versions expire": lambda: client.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
        ),
        "delete the bucket": lambda: client.delete_bucket(Bucket=bucket),
    }
