"""The folder of a fleet: all that its machines need, written once and added to; no secret is ever replaced unasked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.coordination import certs, rights, voters
from core.coordination.certs import Pair
from core.coordination.guide import readme, service
from core.coordination.rights import OPERATOR, Account
from core.coordination.voters import ACCOUNTS, CONF, Voter
from core.errors import ConfigurationError, NoSuchThing
from core.site.engine import CA, credential_files, needs_session, parse_address, voters_of
from core.site.model.file import SiteFile
from core.site.model.nodes import Engine

PUBLIC, SECRET = 0o644, 0o600


@dataclass
class Login:
    """What became of a name: how many machines had it, and whether the last was shut out."""

    serial: int = 1
    revoked: bool = False


@dataclass
class FleetFolder:
    """`authority/`, `voters/`, `nodes/`, `operator/` and `logins.json` below `path`; `told` says what was done."""

    path: Path
    here: bool = False  # the voters run from this folder, on this machine
    told: list[str] = field(default_factory=list)

    @property
    def operator(self) -> Path:
        """The folder with the operator's credentials."""
        return self.path / "operator"

    def write(self, sites: Sequence[SiteFile], renew: Sequence[str] = ()) -> None:
        """Write what is missing for `sites`, which share one engine; raise ConfigurationError or OSError.

        `renew`: nodes whose machine was replaced: a new login each, and the old one is shut out.
        """
        engine = _engine_of(sites)
        self._renew(sites, renew)
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority, routes = self._authority("ca", "Overlapse fleet"), self._authority("routes", "Overlapse voters")
        fleet = [replace(voter, listen=voter.host) if self.here else voter for voter in voters_from(engine)]
        for voter in fleet:
            self._voter(voter, fleet, authority, routes)
        self.write_accounts(sites)
        for site in sites:
            self._logins(site, authority)
        self._put(self.path / "README", readme(sites, fleet).encode())

    def write_accounts(self, sites: Sequence[SiteFile]) -> list[Path]:
        """Write who may log in, for each voter; return the files."""
        text = voters.accounts_conf({site.site.name: self.accounts(site) for site in sites}).encode()
        files = [self._place(voter) / ACCOUNTS for voter in voters_from(_engine_of(sites))]
        for file in files:
            self._put(file, text)
        return files

    def accounts(self, site: SiteFile) -> list[Account]:
        """Return the logins of a site that are not shut out."""
        logins = self._known()
        found = []
        for node in site.node:
            login = logins.get(f"{site.site.name}/{node.name}", Login())
            if needs_session(site, node.name) and not login.revoked:
                found.append(rights.account_of(site, node, login.serial))
        return [*found, rights.operator_of(site)]

    def revoke(self, site: SiteFile, node: str) -> None:
        """Take note that a node is shut out; raise NoSuchThing."""
        if node not in [each.name for each in site.node]:
            raise NoSuchThing(f"the site has no node {node!r}; it has: {', '.join(each.name for each in site.node)}")
        logins = self._known()
        login = logins.setdefault(f"{site.site.name}/{node}", Login())
        login.revoked = True
        self._keep(logins)

    def _renew(self, sites: Sequence[SiteFile], names: Sequence[str]) -> None:
        logins = self._known()
        for name in names:
            site = next((site for site in sites if name in [node.name for node in site.node]), None)
            if site is None:
                raise NoSuchThing(f"no site has a node {name!r}")
            login = logins.setdefault(f"{site.site.name}/{name}", Login())
            login.serial, login.revoked = login.serial + 1, False
            for file in credential_files(self._of_node(name), site.site.name, name)[1:]:
                file.unlink(missing_ok=True)
        if names:
            self._keep(logins)

    def _authority(self, name: str, title: str) -> Pair:
        return self._pair(self.path / "authority", name, lambda: certs.new_authority(title))

    def _voter(self, voter: Voter, fleet: Sequence[Voter], authority: Pair, routes: Pair) -> None:
        place = self._place(voter)
        for name, by in (("server", authority), ("route", routes)):
            self._drop_foreign(place / f"{name}.pem", voter.host)
            self._pair(place, name, lambda by=by: certs.issue(by, voter.name, hosts=[voter.host]))  # type: ignore[misc]
        self._put(place / CA, authority.certificate)
        self._put(place / "routes-ca.pem", routes.certificate)
        at = (place.absolute(), place.absolute() / "store") if self.here else (voters.FOLDER, voters.STORE)
        self._put(place / CONF, voters.server_conf(voter, fleet, *at).encode())
        self._put(place / "overlapse-voter.service", service().encode())

    def _drop_foreign(self, file: Path, host: str) -> None:
        """Remove the certificate of a voter that has moved to another address."""
        if file.is_file() and not certs.speaks_for(file.read_bytes(), [host]):
            file.unlink()
            file.with_suffix(".key").unlink(missing_ok=True)

    def _logins(self, site: SiteFile, authority: Pair) -> None:
        logins = self._known()
        for name in (*(node.name for node in site.node), OPERATOR):
            login = logins.get(f"{site.site.name}/{name}", Login())
            if login.revoked:
                self.told.append(f"{name}: shut out; with a new machine: --renew {name}")
            elif name != OPERATOR and not needs_session(site, name):
                self.told.append(f"{name}: none of its cameras has a backup, so that it needs no login")
            else:
                self._login(site.site.name, name, login.serial, authority)

    def _login(self, site: str, name: str, serial: int, authority: Pair) -> None:
        folder = self.operator if name == OPERATOR else self._of_node(name)
        ca, certificate, _ = credential_files(folder, site, name)
        user = rights.user_of(site, name, serial)
        self._pair(folder, certificate.stem, lambda: certs.issue(authority, user, address=user))
        self._put(ca, authority.certificate)

    def _of_node(self, name: str) -> Path:
        return self.path / "nodes" / name

    def _place(self, voter: Voter) -> Path:
        return self.path / "voters" / voter.name

    def _pair(self, folder: Path, name: str, make: Callable[[], Pair]) -> Pair:
        """Return what lies there, made if there is nothing; raise ConfigurationError when half of it is missing."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        if certificate.is_file() != key.is_file():
            raise ConfigurationError(f"{certificate} and {name}.key belong together, and one is missing; bring it back")
        if not key.is_file():
            pair = make()
            self._put(key, pair.key, SECRET)
            self._put(certificate, pair.certificate)
        return Pair(certificate.read_bytes(), key.read_bytes())

    def _put(self, file: Path, content: bytes, mode: int = PUBLIC) -> None:
        """Write a file whole, unless it says that already, and tell it."""
        if file.is_file() and file.read_bytes() == content:
            return
        self.told.append(f"{file.relative_to(self.path)}: {'changed' if file.exists() else 'new'}")
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = file.with_name(f"{file.name}.part")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as written:
            written.write(content)
            os.fsync(written.fileno())
        beside.replace(file)

    def _known(self) -> dict[str, Login]:
        try:
            said = json.loads((self.path / "logins.json").read_bytes())
            return {name: Login(int(each["serial"]), bool(each["revoked"])) for name, each in said.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{self.path / 'logins.json'}: who is shut out cannot be read: {error}") from error

    def _keep(self, logins: dict[str, Login]) -> None:
        said = {name: {"serial": each.serial, "revoked": each.revoked} for name, each in sorted(logins.items())}
        self._put(self.path / "logins.json", json.dumps(said, indent=1).encode() + b"\n")


def voters_from(engine: Engine) -> list[Voter]:
    """Return the voters, named by their place in the list: one that moves to another machine keeps its name."""
    found: list[Voter] = []
    for n, url in enumerate(voters_of(engine), 1):
        address = parse_address(url)
        same = sum(each.host == address.host for each in found)
        found.append(Voter(f"voter{n}", address.host, address.port, engine.route_port + same))
    return found


def _engine_of(sites: Sequence[SiteFile]) -> Engine:
    first, *others = sites
    if not first.coordination.servers:
        raise ConfigurationError(
            f"site '{first.site.name}' names no voters; write "
            'coordination = { servers = ["tls://fr.example:443", "tls://ca.example:443", "tls://office.example:443"] }'
        )
    for other in others:
        if _fleet(other) != _fleet(first):
            raise ConfigurationError(
                f"sites '{first.site.name}' and '{other.site.name}' name other voters; one fleet has the same in all"
            )
    return first.coordination


def _fleet(site: SiteFile) -> tuple[object, ...]:
    return voters_of(site.coordination), site.coordination.route_port
