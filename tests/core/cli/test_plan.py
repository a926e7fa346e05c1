"""`overlapse plan`: from flags alone, and from a site and what its pictures weighed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from peers.node import Site, overlapse

Run = Callable[..., tuple[int, str, str]]


def test_flags_alone_are_enough(run: Run) -> None:
    words = ["--every", "10m", "--jpg", "6MB", "--raw", "24MB", "--storage", "320GB", "--uplink", "120kB/s", "--json"]
    status, out, err = run("plan", *words)
    assert (status, err) == (0, "")
    told = json.loads(out)
    assert (told["bytes_per_day"], told["bandwidth_needed_Bps"], told["way"]) == (4_320_000_000, 50_000, "everything")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["--every", "0s"], "longer than nothing", id="no-interval"),
        pytest.param(["--every", "ten"], '"1h30m"', id="no-duration"),
        pytest.param(["--every", "1m", "--jpg", "6"], '"8GB"', id="no-unit"),
        pytest.param(["--every", "1m", "--uplink", "1Mbps"], '"120kB/s"', id="bits"),
        pytest.param(["--every", "1m", "--jpg", "0B"], "a JPEG, a RAW or both", id="no-picture"),
    ],
)
def test_a_quantity_that_is_none_is_told_with_what_to_write(words: list[str], told: str, run: Run) -> None:
    status, out, err = run("plan", *words)
    assert (status, out) == (2, "")
    assert told in err


def test_a_site_is_reckoned_from_its_schedule_and_the_pictures_that_it_took(tmp_path: Path) -> None:
    site = Site(tmp_path / "dam", name="dam")
    site.camera(every="10m")
    site.destination("nas")
    site.node = 'link = [{ name = "lte", rate = "1kB/s" }]'
    site.write()
    before = overlapse("plan", "--site", site.file, "--json").json()
    assert (before["bytes_per_day"], before["way"]) == (144 * 6_000_000, "reduced"), "nothing is known: a usual body"
    assert overlapse("capture", "north", "--site", site.file).status == 0
    [picture] = site.pictures()
    after = overlapse("plan", "--site", site.file, "--json").json()
    assert (after["bytes_per_day"], after["way"]) == (144 * picture.stat().st_size, "jpeg")
    assert after["buffer_days"] > 0
    given = overlapse("plan", "--site", site.file, "--jpg", "12MB", "--json").json()
    assert given["bytes_per_day"] == 144 * 12_000_000


def test_the_thinnest_limit_of_the_links_that_are_used_counts_and_a_lan_limits_nobody(tmp_path: Path) -> None:
    site = Site(tmp_path / "dam", name="dam")
    site.camera(every="10m")
    site.destination("nas", more='link = "lan"')
    site.destination("far", more='link = "sim"')
    budget = 'budget = { bytes = "12GB" }'
    unused = '{ name = "spare", rate = "1B/s" }'
    site.node = f'link = [{{ name = "sim", rate = "120kB/s", {budget} }}, {{ name = "lan" }}, {unused}]'
    site.write()
    told = overlapse("plan", "--site", site.file, "--json").json()
    assert told["link_share"] == pytest.approx(10_000 / (12e9 / 1.045 / (30 * 86400)), rel=0.01)
    words = "Link sim carries 4.43 kB/s by the month's budget; these routes need 10 kB/s, more than it carries"
    assert (told["way"], told["advice"][0]) == ("reduced", words)
    site.node = 'link = [{ name = "sim" }, { name = "lan" }]'
    site.write()
    assert overlapse("plan", "--site", site.file, "--json").json()["link_share"] is None
