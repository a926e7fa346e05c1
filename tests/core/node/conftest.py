from __future__ import annotations

from pathlib import Path

import pytest
from peers.node import Site


@pytest.fixture
def quay(tmp_path: Path) -> Site:
    """A site with one camera that shoots every two seconds, and a NAS."""
    site = Site(tmp_path / "quay")
    site.camera()
    site.destination("nas")
    site.write()
    return site
