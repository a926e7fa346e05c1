"""From site.toml's address to plain HTTP or WebDAV."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import DestinationRefused
from core.site.model import places
from core.transfer.registry import Address
from core.transfer.web.dav import DavDestination
from core.transfer.web.plain import PlainDestination
from core.transfer.web.session import Server


class WebDestination:
    """http, https: plain PUT. dav, davs: WebDAV, over HTTP and HTTPS."""

    @classmethod
    def configured(
        cls, destination: places.Destination, address: Address, secrets: Mapping[str, str]
    ) -> PlainDestination | DavDestination:
        """Return the destination that site.toml describes; raise DestinationRefused without a host."""
        if address.host is None:
            raise DestinationRefused("a web destination needs a host")
        server = Server.at(
            address.scheme in ("https", "davs"),
            address.host,
            address.port,
            address.path,
            user=address.user,
            password=secrets.get("password"),
            ca_file=destination.ca_file,
        )
        kind = DavDestination if address.scheme.startswith("dav") else PlainDestination
        return kind(server)
