"""Real web servers that take pictures, on loopback: nginx (plain PUT and WebDAV) and Apache (WebDAV)."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from peers.certificates import Certificate
from peers.page import blocks, lines
from peers.web import PASSWORD, REALM, USER, _running, free_port, md5, which

DAV_EXT = Path("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so")
APACHE_MODULES = Path("/usr/lib/apache2/modules")
NEEDED = ("mpm_event", "dav", "dav_fs", "authz_core", "authz_user", "authn_core", "authn_file", "auth_digest")
APACHE_USER = "www-data"
THEFT = "destinations/theft.md"
WRITE_ONCE = lines("destinations/web.md", r" +(set \$write|if \()")  # what the page gives against theft


def missing_nginx() -> str | None:
    """Return what to install for nginx as a destination, None when it is there."""
    return None if which("nginx") else "nginx is not installed: apt-get install nginx-light"


def missing_dav() -> str | None:
    """Return what to install for WebDAV on nginx, None when it is there."""
    return None if DAV_EXT.exists() else "nginx has no PROPFIND: apt-get install libnginx-mod-http-dav-ext"


def missing_apache() -> str | None:
    """Return what to install for Apache as a destination, None when all is there."""
    return None if which("apache2") else "apache2 is not installed: apt-get install apache2-bin"


@dataclass(frozen=True)
class WebServer:
    """A running server; `root` is the folder that it keeps objects in."""

    port: int
    root: Path
    ca_file: Path | None = None
    folder: Path | None = None  # with its logs

    @property
    def url(self) -> str:
        return f"{'https' if self.ca_file else 'http'}://127.0.0.1:{self.port}"


@contextlib.contextmanager
def nginx(
    folder: Path,
    root: Path,
    tls: Certificate | None = None,
    temporary: Path | None = None,
    more: str = "",
    listen: str = "127.0.0.1",
) -> Iterator[WebServer]:
    """Run nginx as docs/destinations/web.md sets it up: /plain/ is HTTP, /dav/ is WebDAV, /login/ wants Basic."""
    port = free_port()
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    paths = "".join(f"{one}_temp_path {folder}/{one};" for one in ("proxy", "fastcgi", "uwsgi", "scgi"))
    keys = f"ssl_certificate {tls.certificate}; ssl_certificate_key {tls.key};" if tls else ""
    plain = "dav_methods PUT DELETE; create_full_put_path on; autoindex on; autoindex_format json;"
    maps, kept = blocks(THEFT, "nginx")
    extension = f"load_module {DAV_EXT};" if DAV_EXT.exists() else ""
    dav = "dav_methods PUT DELETE MKCOL COPY MOVE;" + (" dav_ext_methods PROPFIND OPTIONS;" if extension else "")
    login = f'auth_basic "{REALM}"; auth_basic_user_file {folder}/users;'
    (folder / "nginx.conf").write_text(
        f"{extension} daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;"
        f"events {{}} http {{ access_log {folder}/access.log; {paths} client_max_body_size 20m;"
        f"client_body_temp_path {temporary or folder / 'body'}; {maps if extension else ''}"
        f"server {{ listen {listen}:{port} {'ssl' if tls else ''}; {keys} {more}"
        f"location /plain/ {{ alias {root}/; {plain} }} location /dav/ {{ alias {root}/; {dav} }}"
        f"location /login/ {{ alias {root}/; {plain} {login} }}"
        f"location /looking/ {{ alias {root}/; {plain} limit_except GET {{ {login} }} }}"
        f"location /once/ {{ alias {root}/; dav_methods PUT; create_full_put_path on; {WRITE_ONCE} }}"
        f"location /kept/ {{ alias {root}/; {kept if extension else ''} }}"
        f"location /small/ {{ alias {root}/; {plain} client_max_body_size 100k; }}"
        f"location /elsewhere/ {{ return 302 http://localhost:{port}/plain$uri; }} }} }}"
    )
    command = [
        which("nginx") or "nginx",
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "log"),
    ]
    with _running(command, port):
        yield WebServer(port, root, tls.authority if tls else None, folder)


@contextlib.contextmanager
def apache() -> Iterator[WebServer]:
    """Run Apache with a WebDAV folder /dav/ and one behind Digest, /digest/.

    It refuses to serve as root: below a folder of its own, which its own account can reach.
    """
    folder = Path(tempfile.mkdtemp(prefix="overlapse-apache-"))
    try:
        folder.chmod(0o755)
        (folder / "root").mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder / "root", APACHE_USER, APACHE_USER)
            shutil.chown(folder, APACHE_USER, APACHE_USER)
        port = free_port()
        (folder / "apache.conf").write_text(_apache_conf(folder, port))
        with _running([which("apache2") or "apache2", "-X", "-f", str(folder / "apache.conf")], port):
            yield WebServer(port, folder / "root")
    finally:
        shutil.rmtree(folder)


def _apache_conf(folder: Path, port: int) -> str:
    (folder / "users").write_text(f"{USER}:{REALM}:{md5(f'{USER}:{REALM}:{PASSWORD}')}\n")
    modules = "".join(f"LoadModule {one}_module {APACHE_MODULES}/mod_{one}.so\n" for one in (*NEEDED, "alias"))
    return (
        f"ServerRoot {folder}\nListen 127.0.0.1:{port}\nServerName localhost\nPidFile {folder}/pid\n{modules}"
        f"User {APACHE_USER}\nGroup {APACHE_USER}\nErrorLog {folder}/error.log\nDavLockDB {folder}/locks\n"
        f"Mutex file:{folder} default\nAllowEncodedSlashes Off\n"
        f"Alias /dav {folder}/root\nAlias /kept {folder}/root\nAlias /digest {folder}/root\n<Location /dav>\nDav On\n"
        f"Require all granted\n</Location>\n<Location /kept>\nDav On\n{blocks(THEFT, 'apache')[0]}</Location>\n"
        f"<Location /digest>\nDav On\nAuthType Digest\nAuthName {REALM}\nAuthDigestProvider file\n"
        f"AuthUserFile {folder}/users\nRequire valid-user\n</Location>\n"
    )


def asked(server: WebServer) -> list[str]:
    """Return the methods that an nginx without TLS was asked with so far, in order.

    It writes a line after it has answered: a question of our own, and its line, come behind all the others.
    """
    assert server.folder is not None
    mark = f"/{uuid.uuid4().hex}"
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as line:
        line.request("TRACE", mark)
        line.getresponse().read()
    end = time.monotonic() + 20
    while mark not in (told := (server.folder / "access.log").read_text()) and time.monotonic() < end:
        time.sleep(0.01)
    return [method for one in told.splitlines() if (method := one.split('"')[1].split()[0]) != "TRACE"]


def empty(root: Path) -> None:
    """Take away all that lies in a folder."""
    for one in root.iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()
