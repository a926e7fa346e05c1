"""What a node shows to the voters, and what it demands of them: files that `overlapse fleet init` made."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from core.site.engine import credential_files


@dataclass(frozen=True, slots=True)
class Credentials:
    """The files of one login, `unit1@harbour`, in a folder."""

    folder: Path
    user: str

    @property
    def ca(self) -> Path:
        """The certificate of who vouches for the voters."""
        return self._files[0]

    @property
    def certificate(self) -> Path:
        """The login's own."""
        return self._files[1]

    @property
    def key(self) -> Path:
        """Its private key."""
        return self._files[2]

    @property
    def _files(self) -> tuple[Path, Path, Path]:
        name, _, site = self.user.partition("@")
        return credential_files(self.folder, site, name)

    def problems(self) -> list[str]:
        """Return why they cannot be used, a sentence each."""
        found = [
            f"{path}: no such file; `overlapse fleet init` makes it"
            for path in (self.ca, self.certificate, self.key)
            if not path.is_file()
        ]
        if not found and not os.access(self.key, os.R_OK):
            found.append(f"{self.key}: cannot be read by this user")
        if not found and self.key.stat().st_mode & 0o077:
            found.append(f"{self.key}: others than its owner can read it; chmod 600 {self.key}")
        return found

    def context(self) -> ssl.SSLContext:
        """Return what a connection is made with; raise ConfigurationError."""
        if problems := self.problems():
            raise ConfigurationError(problems)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_verify_locations(self.ca)
            context.load_cert_chain(self.certificate, self.key)
        except (ssl.SSLError, OSError) as error:
            raise ConfigurationError(f"{self.certificate}: not the certificate of {self.key}: {error}") from error
        return context
