from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.site.load import Loaded, load, reparse
from core.site.model.cameras import GphotoSource
from core.site.model.file import SiteFile

Told = Callable[..., list[str]]
Read = Callable[..., Loaded]


def test_a_good_file_becomes_the_model_with_its_units_and_defaults(read: Read, good: str) -> None:
    loaded = read(good)
    camera = loaded.site.camera[0]
    assert camera.source == GphotoSource(kind="gphoto2")
    assert camera.schedule[0].every == timedelta(minutes=10)
    assert loaded.site.node[0].buffer.keep_free == 2_000_000_000
    assert loaded.text == good
    assert loaded.base == loaded.path.parent
    assert loaded.warnings == ()


def test_from_and_to_fill_begin_and_end(read: Read, good: str) -> None:
    loaded = read(good.replace('every = "10m"', 'every = "10m", from = "07:00", to = "19:00"'))
    assert (loaded.site.camera[0].schedule[0].begin, loaded.site.camera[0].schedule[0].end) == ("07:00", "19:00")


NODE = '[[node]]\nname = "unit1"\n'
HEAD = 'version = 1\nsite = { name = "harbour", zone = "Europe/Paris", data = "data" }\n'


def camera(*lines: str) -> str:
    """Return a site whose camera begins on line 5 with its name, then `lines` from line 7."""
    return HEAD + NODE + '[[camera]]\nname = "north"\n' + "\n".join(lines) + "\n"


USB = 'source = { kind = "gphoto2" }'
BAD_NAME = "a name is 1 to 32 of a-z, 0-9 and '-', and begins with a letter or a digit"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            "",
            [
                "1: node: missing table; write [[node]]",
                "1: site: missing table; write [site]",
                "1: version: missing key; write version = 1",
            ],
            id="empty",
        ),
        pytest.param(HEAD.replace("= 1", "= 2") + NODE, ["1: version: the number 2 is not 1"], id="version"),
        pytest.param(HEAD.replace("= 1", "= true") + NODE, ["1: version: expected 1, got true"], id="true-is-no-int"),
        pytest.param(
            camera(USB, "set_clock = 1"),
            ["8: camera[0].set_clock: expected true or false, got the number 1"],
            id="one-is-no-bool",
        ),
        pytest.param(
            camera(USB, "recovery = { hooks_a_day = true }"),
            ["8: camera[0].recovery.hooks_a_day: expected a whole number, got true"],
            id="true-is-no-number",
        ),
        pytest.param(
            camera(USB, 'schedule = [{ evry = "10m" }]'),
            ["8: camera[0].schedule[0].evry: unknown key; did you mean 'every'?"],
            id="unknown-key",
        ),
        pytest.param(
            camera(USB, 'schedule = [{ every = "1h", begin = "07:00" }]'),
            ["8: camera[0].schedule[0].begin: unknown key; did you mean 'from'?"],
            id="word-of-the-model",
        ),
        pytest.param(
            camera(USB, "colour = 1"),
            [
                "8: camera[0].colour: unknown key; what may stand here: name, source, primary, backup, reach, "
                "exclusive, priority, shoots, schedule, event, settings, recovery, exposure, keep_open, set_clock"
            ],
            id="unknown-key-like-no-other",
        ),
        pytest.param(
            camera(USB, 'schedule = [{ every = "10 minutes" }]'),
            [
                "8: camera[0].schedule[0].every: '10 minutes' is not a duration; "
                'write a number and ms, s, m, h, d or w, such as "1h30m"'
            ],
            id="bad-unit",
        ),
        pytest.param(
            camera(USB, "schedule = [{ every = 600 }]"),
            ['8: camera[0].schedule[0].every: expected a duration as text, such as "10m" or "1h30m"'],
            id="no-unit",
        ),
        pytest.param(
            camera(USB, 'schedule = [{ every = "99999999999999w" }]'),
            ["8: camera[0].schedule[0].every: '99999999999999w' is more than can be counted; write less"],
            id="more-than-can-be-counted",
        ),
        pytest.param(
            camera(USB, 'schedule = [{ every = "1h", from = 07:00:00 }]'),
            ['8: camera[0].schedule[0].from: expected text, got a bare date or time; write it in quotes: "07:00"'],
            id="bare-time",
        ),
        pytest.param(
            camera(USB, "settings = { iso = 100 }"),
            ['8: camera[0].settings.iso: expected text, got the number 100; write it in quotes: "100"'],
            id="number-for-text",
        ),
        pytest.param(
            camera(USB, 'settings = "x"'), ["8: camera[0].settings: expected a table, got the text 'x'"], id="no-table"
        ),
        pytest.param(
            camera(USB, 'shoots = "raw+jpg"'),
            ["8: camera[0].shoots: 'raw+jpg' is not one of 'raw+jpeg', 'jpeg' or 'raw'; did you mean 'raw+jpeg'?"],
            id="not-a-choice",
        ),
        pytest.param(
            camera(USB, 'schedule = { every = "1h" }'),
            ["8: camera[0].schedule: expected a list of tables, got one; write [[schedule]] or [{ ... }]"],
            id="one-table-for-a-list",
        ),
        pytest.param(
            camera(USB, 'schedule = [{ at = "12:00" }]'),
            ['8: camera[0].schedule[0].at: expected a list; write ["12:00"]'],
            id="one-text-for-a-list",
        ),
        pytest.param(
            camera(USB, 'recovery = { hook = ["uhubctl", 3] }'),
            ['8: camera[0].recovery.hook[1]: expected text, got the number 3; write it in quotes: "3"'],
            id="element-of-a-list",
        ),
        pytest.param(
            camera(),
            ['5: camera[0].source: missing key; write source = { kind = "gphoto2", ... }'],
            id="missing-key-has-the-line-of-its-table",
        ),
        pytest.param(
            camera("source = 5"), ["7: camera[0].source: expected a table, got the number 5"], id="source-is-no-table"
        ),
        pytest.param(
            camera('source = { serial = "1" }'),
            ["7: camera[0].source.kind: missing key; write one of 'gphoto2', 'http', 'rtsp', 'ftp', 'folder'"],
            id="kind-missing",
        ),
        pytest.param(
            camera('source = { kind = "gphto2", serial = 5 }'),
            [
                "7: camera[0].source.kind: 'gphto2' is not one of 'gphoto2', 'http', 'rtsp', 'ftp', 'folder'; "
                "did you mean 'gphoto2'?",
                '7: camera[0].source.serial: expected text, got the number 5; write it in quotes: "5"',
            ],
            id="kind-misspelt-and-judged-as-what-was-meant",
        ),
        pytest.param(
            camera('source = { kind = "usb", serial = "1", colour = 1 }'),
            [
                "7: camera[0].source.colour: unknown key; what may stand here: kind, serial, address, virtual, url, "
                "user, password_file, max_size, ca_file, transport, zone, path, settle, remove",
                "7: camera[0].source.kind: 'usb' is not one of 'gphoto2', 'http', 'rtsp', 'ftp', 'folder'",
            ],
            id="kind-unknown",
        ),
        pytest.param(
            camera('source = { kind = "http", serial = "1" }'),
            [
                "7: camera[0].source.serial: unknown key; it goes with kind = 'gphoto2'",
                '7: camera[0].source.url: missing key; write url = "..."',
            ],
            id="told-by-kind",
        ),
        pytest.param(
            camera(USB).replace('"north"', '"North Gate"'),
            [f"6: camera[0].name: 'North Gate': {BAD_NAME}; write 'north-gate'"],
            id="name",
        ),
        pytest.param(
            camera(USB, '[[camera]]\nname = "north"\nsource = { kind = "folder", path = "/drop" }'),
            ["9: camera[1].name: 'north' is taken by camera[0]; take another name"],
            id="name-twice",
        ),
        pytest.param(
            camera(USB, 'primary = "unit2"'),
            ["8: camera[0].primary: no node is named 'unit2'; did you mean 'unit1'?"],
            id="unknown-node",
        ),
        pytest.param(
            camera(USB) + '[[node]]\nname = "office"\n',
            ['5: camera[0].primary: missing key; write primary = "unit1", the node that drives this camera'],
            id="no-primary-among-several-nodes",
        ),
        pytest.param(
            camera(USB, 'primary = "unit1"', '[[camera]]\nname = "south"\nsource = { kind = "gphoto2", serial = "7" }'),
            ["7: camera[0].source.serial: missing key; with several cameras on USB each needs its serial"],
            id="which-camera-on-usb",
        ),
        pytest.param(
            camera(
                'source = { kind = "folder", path = "/drop" }',
                '[[camera]]\nname = "south"',
                "source.kind = 'folder'",
                "source.path = '/drop'",
            ),
            ["10: camera[1].source: the same source as camera 'north'; each camera needs its own"],
            id="one-source-for-two-cameras",
        ),
        pytest.param(
            camera('source = { kind = "gphoto2", serial = "7", address = "10.0.0.5" }'),
            ["7: camera[0].source.address: a camera is found in one way; drop this or serial"],
            id="two-ways-to-one-camera",
        ),
        pytest.param(
            camera('source = { kind = "http", url = "http://u:pw@h/" }'),
            [
                "7: camera[0].source.url: a password does not stand in an address; "
                "write it into a file and name it with password_file"
            ],
            id="password-in-a-url",
        ),
        pytest.param(
            HEAD.replace("Europe/Paris", "Europe/Pari").replace("data =", "latitude = 91, data =") + NODE,
            [
                "2: site.latitude: 91.0 is not between -90 and 90 degrees",
                "2: site.longitude: missing key; the sun's times need latitude and longitude",
                "2: site.zone: no time zone is named 'Europe/Pari'; did you mean 'Europe/Paris'?",
            ],
            id="where-the-site-is",
        ),
        pytest.param(
            HEAD + NODE + '[[destination]]\nname = "nas"\naddress = "folder:/n"\nlink = "sim"\npassword = "x"\n',
            [
                "8: destination[0].link: no link is named 'sim'; the file has no link",
                "9: destination[0].password: a secret does not stand here; "
                "write it into a file and name it with password_file",
            ],
            id="inline-secret",
        ),
        pytest.param(
            camera(
                USB,
                '[[route]]\nto = "nsa"\nwhat = ["jpeg", "wbe"]\ncameras = ["nort"]\nevery_nth = 0\nlive = "{x}.jpg"',
                '[[destination]]\nname = "nas"\naddress = "folder:/n"',
                '[[recipe]]\nname = "web"\nsteps = []',
            ),
            [
                "9: route[0].to: no destination is named 'nsa'; did you mean 'nas'?",
                "10: route[0].what[1]: no recipe is named 'wbe'; did you mean 'web'?",
                "11: route[0].cameras[0]: no camera is named 'nort'; did you mean 'north'?",
                "12: route[0].every_nth: at least 1, which sends every slot",
                "13: route[0].live: '{x}.jpg': only {camera}, {site} and {recipe} may stand in braces",
            ],
            id="references-of-a-route",
        ),
        pytest.param(
            HEAD + NODE + '[[camra]]\nnmae = "north"\n' + USB + '\nshoots = "jpg"\n',
            [
                "5: camra: unknown table; did you mean 'camera'?",
                "6: camra[0].nmae: unknown key; did you mean 'name'?",
                "8: camra[0].shoots: 'jpg' is not one of 'raw+jpeg', 'jpeg' or 'raw'; did you mean 'jpeg'?",
            ],
            id="a-misspelt-table-is-judged-as-what-was-meant",
        ),
        pytest.param(
            HEAD + NODE + '[[objektiv]]\nkind = "nas"\nsnmp = { host = "h" }\n',
            [
                "5: objektiv: unknown table; what may stand here: "
                "version, site, roles, checks, coordination, node, camera, recipe, destination, page, route, "
                "watch, notifications, monitoring",
            ],
            id="an-unknown-table-is-one-problem",
        ),
        pytest.param(
            HEAD
            + NODE
            + '[[objektiv]]\nname = "north"\n'
            + '[[route]]\nto = "nas"\nwhat = ["jpeg"]\ncameras = ["north"]\n',
            [
                "5: objektiv: unknown table; what may stand here: "
                "version, site, roles, checks, coordination, node, camera, recipe, destination, page, route, "
                "watch, notifications, monitoring",
            ],
            id="nor-is-what-it-may-have-named-missed",
        ),
        pytest.param(
            HEAD
            + NODE
            + '[[camra]]\nname = "north"\n'
            + USB
            + '\n[[camera.schedule]]\nevery = "10 m"\n[camera.settings]\niso = 100\n'
            + '[[destination]]\nname = "nas"\naddress = "folder:/n"\n'
            + '[[route]]\nto = "nas"\nwhat = ["jpeg"]\ncameras = ["north"]\n',
            [
                "5: camra: unknown table; did you mean 'camera'?",
                '11: camera.settings.iso: expected text, got the number 100; write it in quotes: "100"',
            ],
            id="a-misspelt-table-keeps-the-tables-below-it",
        ),
        pytest.param(
            camera(USB, "[[camra.schedule]]", 'every = "10m"'),
            ["8: camra: unknown table; did you mean 'camera'?"],
            id="a-misspelt-table-below-another-is-one-problem",
        ),
        pytest.param(
            HEAD.replace("= 1", "= 99999999999999999999999") + NODE,
            ["1: version: the number 99999999999999999999999 is not 1"],
            id="a-version-that-nobody-counts",
        ),
        pytest.param(
            camera(USB, f"recovery = {{ hooks_a_day = 0x{'f' * 5000}, hook = 0x{'f' * 5000} }}"),
            [
                f"8: camera[0].recovery.{key}: a number of very many digits is more than can be counted; write less"
                for key in ("hook", "hooks_a_day")
            ],
            id="numbers-of-thousands-of-digits",
        ),
        pytest.param(
            "\n" + camera(USB, f"a = {'9' * 5000}"),
            ["9: a number has more digits than can be counted; write less"],
            id="more-digits-than-python-reads",
        ),
        pytest.param(
            camera(
                USB,
                '[[destination]]\nname = "nas"\naddress = "folder:/n"\npassword_file = "a\\u0000b"\nregion = "\\u001b"',
            ),
            [
                "11: destination[0].password_file: 'a\\x00b' holds a control character; write it without",
                "12: destination[0].region: '\\x1b' holds a control character; write it without",
            ],
            id="control-characters",
        ),
        pytest.param(
            camera(
                'source = { kind = "gphoto2", serial = "" }', 'recovery = { hook = [""] }', 'settings = { iso = "" }'
            ),
            [
                "7: camera[0].source.serial: empty; write what it shall be, or leave the key out",
                "8: camera[0].recovery.hook[0]: empty; write what it shall be, or leave the key out",
                "9: camera[0].settings.iso: empty; write what it shall be, or leave the key out",
            ],
            id="empty-texts",
        ),
        pytest.param(
            camera(
                USB,
                '[[destination]]\nname = "nas"\naddress = "folder:/n"',
                '[[route]]\nto = "nas"\nwhat = ["jpeg"]\nevery_nth = 86401',
            ),
            ["14: route[0].every_nth: at most 86400: no day has more slots; 1 sends every slot"],
            id="fewer-than-one-slot-a-day",
        ),
        pytest.param(
            HEAD + NODE + '[node.bufer]\nkeep_free = "8 gigs"\n',
            [
                "5: node[0].bufer: unknown table; did you mean 'buffer'?",
                "6: node[0].bufer.keep_free: '8 gigs' is not a size; "
                'write a number and B, kB, MB, GB or TB, such as "8GB"',
            ],
            id="value-in-a-misspelt-table",
        ),
        pytest.param(
            HEAD + '[[node]]\nname = "u"\n[[node]]\nname = "u"\n[[node.link]]\nname = "l"\n[[node.link]]\nname = "l"\n',
            [
                "6: node[1].name: 'u' is taken by node[0]; take another name",
                "10: node[1].link[1].name: 'l' is taken by node[1].link[0]; take another name",
            ],
            id="links-are-named-within-their-node",
        ),
    ],
)
def test_a_fault_is_told_with_its_line_its_key_and_what_to_write(
    problems: Told, text: str, told: Sequence[str]
) -> None:
    assert problems(text) == list(told)


@pytest.mark.parametrize(
    ("live", "told"),
    [
        ("{camera.__class__}", "only {camera}, {site} and {recipe} may stand in braces"),
        ("{camera:>99999999999}", "only {camera}, {site} and {recipe} may stand in braces"),
        ("{camera!r}", "only {camera}, {site} and {recipe} may stand in braces"),
        ("{", "only {camera}, {site} and {recipe} may stand in braces"),
        ("{0}", "only {camera}, {site} and {recipe} may stand in braces"),
        ("../{camera}.jpg", "is not a name below the destination"),
        ("x" * 201, "longer than 200 bytes"),
    ],
)
def test_a_live_name_is_plain(problems: Told, good: str, live: str, told: str) -> None:
    (problem,) = problems(good.replace('to = "nas"', f'to = "nas"\nlive = "{live}"'))
    assert "route[0].live" in problem
    assert told in problem


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe", "; that is a region of "),
        ("america/", "; that is a region of "),
        ("Paris", "; did you mean 'Europe/Paris'?"),
        ("new york", "; did you mean 'America/New_York'?"),
        ("Europe/Pari", "; did you mean 'Europe/Paris'?"),
        ("Q", '; write such as "Europe/Paris"'),
    ],
)
def test_a_zone_that_there_is_not_gets_a_hint_that_helps(problems: Told, zone: str, told: str) -> None:
    (problem,) = problems((HEAD + NODE).replace("Europe/Paris", zone))
    assert problem.startswith(f"2: site.zone: no time zone is named '{zone}'{told}")
    assert "region" not in told or problem.count('", "') == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = \n", '1: this is not TOML: invalid value (column 5); text and quantities stand in quotes: every = "10m"'),
        ("\nevery = 10m\n", None),
        ("a = 1\na = 2\n", None),
        ("a = [1,\n\n", None),
        ("[[[[", None),
    ],
)
def test_a_text_that_is_not_toml_is_told_with_its_line(problems: Told, text: str, told: str | None) -> None:
    (problem,) = problems(text)
    assert told is None or problem == told
    assert problem.partition(":")[0].isdigit()
    assert "this is not TOML" in problem


def test_text_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes(b"version = 1\n# caf\xe9\n")
    with pytest.raises(ConfigurationError, match="2: the file is not UTF-8; save it as UTF-8"):
        load(tmp_path / "site.toml")


def test_brackets_without_end_are_a_problem_and_no_crash(problems: Told) -> None:
    assert problems("a = " + "[" * 100_000 + "]" * 100_000)[0].startswith("1: ")


def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        load(tmp_path / "site.toml")


TWELVE = """\
version = 1
site = { name = "harbour", zone = "Europe/Pariss", data = "data" }
nodes = 5
[[node]]
name = "unit 1"
buffer = { keep_free = "8" }
[[camera]]
name = "north"
source = { kind = "http", url = 5 }
shoot = "jpeg"
schedule = [{ every = "ten" }]
[[camera]]
name = "north"
source = { kind = "gphoto2" }
set_clock = "yes"
[[destination]]
name = "nas"
address = "folder:/n"
link = "sim"
[[route]]
what = ["jpeg", "web"]
to = "naz"
"""


def test_a_file_with_twelve_faults_lists_twelve(problems: Told) -> None:
    told = problems(TWELVE)
    lines = [int(problem.partition(":")[0]) for problem in told]
    assert lines == [2, 3, 5, 6, 9, 10, 11, 13, 15, 19, 21, 22]


def test_a_slip_causes_no_problem_elsewhere(problems: Told, good: str) -> None:
    text = good.replace('name = "nas"', 'nam = "nas"').replace('[[recipe]]\nname = "web"', "[[recipe]]")
    assert problems(text) == [
        '14: recipe[0].name: missing key; write name = "north"',
        "18: destination[0].nam: unknown key; did you mean 'name'?",
    ]


def test_a_text_that_held_once_is_read_again_without_its_files(read: Read, good: str) -> None:
    assert reparse(good) == read(good).site
    virtual = good.replace('"gphoto2" }', '"gphoto2", virtual = "no/such/folder" }')
    assert reparse(virtual).camera[0].source == GphotoSource(kind="gphoto2", virtual="no/such/folder")
    with pytest.raises(ConfigurationError, match="1: version: the number 2 is not 1"):
        reparse(good.replace("version = 1", "version = 2"))


def test_the_checks_of_other_rooms_are_told_among_ours(problems: Told, good: str) -> None:
    def check(site: SiteFile, base: Path) -> list[tuple[str, str]]:
        assert base.is_dir()
        return [(f"camera[{n}].schedule[0].begin", "too early") for n, _ in enumerate(site.camera)]

    assert problems(good, (check,)) == ["12: camera[0].schedule[0].from: too early"]


def test_a_check_is_not_heard_on_what_is_known_to_be_wrong(problems: Told, good: str) -> None:
    def check(site: SiteFile, base: Path) -> list[tuple[str, str]]:
        del base
        assert site.camera[0].schedule[0].every is None
        return [("camera[0].schedule[0]", "says neither every nor at"), ("destination[0].address", "no")]

    text = good.replace('every = "10m"', 'every = "often"')
    assert [problem.partition(":")[2].split(":")[0] for problem in problems(text, (check,))] == [
        " camera[0].schedule[0].every",
        " destination[0].address",
    ]


def test_text_that_we_did_not_write_is_told_without_its_escapes(problems: Told) -> None:
    told = problems(HEAD + NODE + '"\\u001b[2J" = 1\nzone = "\\u202e"\n')
    assert all(character.isprintable() for problem in told for character in problem)


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (
            ('what = ["raw", "jpeg", "web"]', 'what = ["web"]'),
            "10: camera[0]: no route requires the JPEG pictures of camera 'north': its node will have the only copy",
        ),
        (
            ('to = "nas"', 'to = "nas"\nevery_nth = 6'),
            "10: camera[0]: routes require the JPEG pictures of camera 'north' of one slot in 6 only: "
            "of the others its node will have the only copy",
        ),
        (('what = ["raw", "jpeg", "web"]', 'what = ["jpeg"]'), "15: recipe[0]: no route sends the recipe 'web'"),
        (
            ('schedule = [{ every = "10m" }]', ""),
            "9: camera[0].schedule: camera 'north' has no schedule: it shoots only by hand",
        ),
    ],
)
def test_what_costs_somebody_later_is_warned_of(read: Read, good: str, change: tuple[str, str], warning: str) -> None:
    told = read(good.replace(*change)).warnings
    assert [each.partition(": ")[2] for each in told] == [warning.partition(": ")[2]]


def test_what_a_thief_could_alter_is_warned_of_in_one_line_until_somebody_says_that_it_is_prevented(
    read: Read, good: str
) -> None:
    office = '[[destination]]\nname = "office"\naddress = "https://office.example/p"\n'
    office += '[[route]]\nwhat = ["jpeg"]\nto = "office"\n'
    (told,) = read(good.replace("protected = true\n", "") + office).warnings
    assert "what has arrived at office and at nas (mounted here: nothing but snapshots" in told
    assert "docs/destinations/theft.md says what to set up, then write protected = true" in told
    (told,) = read(good + office).warnings
    assert "arrived at office;" in told
    taken = '[[node]]\nname = "fr"\nkind = "cloud"\ninbox = "/srv/in"\n[[destination]]\nname = "fr"\nnode = "fr"\n'
    taken += 'address = "https://fr.example/in"\n[[route]]\nwhat = ["jpeg"]\nto = "fr"\n'
    at_fr = taken + office.replace("[[route]]", '[[route]]\nat = "fr"')
    assert read(good.replace('name = "north"', 'name = "north"\nprimary = "unit1"') + at_fr).warnings == ()


def test_audits_are_at_most_one_a_day_or_none(read: Read, good: str, problems: Told) -> None:
    keys = 'protected = true\naudit = "{}"\naudit_read = {}'
    destination = read(good.replace("protected = true", keys.format("0s", 0))).site.destination[0]
    assert (destination.audit, destination.audit_read) == (timedelta(0), 0)
    told = problems(good.replace("protected = true", keys.format("1h", -1)))
    assert [line.partition(": ")[2] for line in told] == [
        'destination[0].audit: at least "1d"; "0s" looks at no copy again',
        "destination[0].audit_read: at least 0, which reads no copy back; 100 reads one in a hundred",
    ]


JUNK = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("2026-11-21T08:00:00").map(str)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


def as_toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(character):08X}" for character in value) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_toml(word)} = {as_toml(each)}" for word, each in value.items()) + "}"
    return repr(value)


WORDS = sorted({each.name for each in fields(SiteFile)})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(tree=st.dictionaries(st.sampled_from(WORDS), JUNK, max_size=4))
def test_no_file_whatever_is_in_it_does_anything_but_hold_or_be_refused(
    site_file: Callable[[str], Path], tree: dict[str, Any]
) -> None:
    path = site_file("\n".join(f"{word} = {as_toml(value)}" for word, value in tree.items()))
    with pytest.raises(ConfigurationError) as refused:
        load(path)
    assert all(problem.partition(":")[0].isdigit() for problem in refused.value.problems)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(slot=st.sampled_from(["source", "schedule", "primary", "shoots", "settings", "recovery", "event"]), value=JUNK)
def test_no_value_of_a_camera_makes_the_reading_fail_otherwise(
    site_file: Callable[[str], Path], slot: str, value: Any
) -> None:
    lines = {"source": USB, slot: f"{slot} = {as_toml(value)}"}
    path = site_file(camera(*lines.values()))
    told: list[str] = []
    try:
        load(path)
    except ConfigurationError as refused:
        told = refused.problems
    assert all(problem.partition(":")[0].isdigit() for problem in told)
