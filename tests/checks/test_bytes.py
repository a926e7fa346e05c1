"""What passive results cost on a link: IP bytes both ways in network namespaces, TLS and SSH included."""

from __future__ import annotations

from pathlib import Path

import pytest
from peers.statusbytes import WAYS, Figures, figures
from peers.thinlink import missing

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]


@pytest.mark.parametrize(
    ("way", "most"),
    [
        pytest.param("https", Figures(riding=350, kept=2200, rest=100, look=700, placed=900), id="https"),
        pytest.param("sftp", Figures(riding=350, kept=2300, rest=100, look=500, placed=2500), id="sftp"),
    ],
)
def test_what_ten_services_cost(way: str, most: Figures, tmp_path: Path) -> None:
    """Asked: 0.5 kB beside a delivery, 2.2 kB with TLS, 20 MB a month; benchmarks/status.py prints the figures."""
    found = figures(WAYS[way], tmp_path)
    assert found.riding <= most.riding
    assert found.kept <= most.kept
    assert found.rest <= most.rest, "nothing is said on a connection at rest"
    assert found.look <= most.look
    assert found.placed <= most.placed
    assert found.month <= 20_000_000
