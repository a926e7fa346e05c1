"""The shape of the code: what may import what, what a start pays for, and what no file may say."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "checks", "console")
HEAVY = (
    "OpenSSL",
    "PIL",
    "asyncio",
    "av",
    "boto3",
    "cryptography",
    "gphoto2",
    "nats",
    "numpy",
    "paramiko",
    "pydantic",
    "pyftpdlib",
    "requests",
    "rich",
    "simplejpeg",
    "sqlite_utils",
    "textual",
)
NOT_OURS = {".venv", ".git", "__pycache__", "build", "node_modules"}
REGISTRIES = (
    "pypi." + "org",
    "python" + "hosted.org",
    "registry.npm" + "js",
    "deb.debian" + ".org",
    "archive.ubuntu" + ".com",
)


def files(*suffixes: str) -> Iterator[Path]:
    """Every file of ours, or those with these suffixes."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.endswith(("_cache", ".egg-info"))]
        for name in names:
            if not suffixes or name.endswith(suffixes):
                yield Path(folder, name)


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if path.stat().st_size]


def said(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_go_upward_only_and_every_library_has_one_home() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", ["core.node.loop", "core.node.jobs", "core.node.children", "core.cli.main"])
def test_starting_up_does_not_pay_for_what_it_does_not_use(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


def test_no_dependency_owns_the_names_of_our_packages() -> None:
    owners = importlib.metadata.packages_distributions()
    assert {owner for package in PACKAGES for owner in owners.get(package, [])} <= {"overlapse"}


def test_no_file_names_a_package_registry() -> None:
    naming = [
        said(path)
        for path in files()
        if any(registry in path.read_text("utf-8", errors="replace") for registry in REGISTRIES)
    ]
    assert naming == []


def test_every_module_says_what_it_is() -> None:
    silent = [said(path) for path in modules() if ast.get_docstring(ast.parse(path.read_text("utf-8"))) is None]
    assert silent == []


def test_the_lock_holds_pins_and_hashes_and_no_addresses() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pin = re.compile(r"[a-z0-9.-]+==[^ ;]+ \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?|")
    allowed_comment = "# The following packages are considered to be unsafe in a requirements file:"
    assert [line for line in lines if not pin.fullmatch(line) and line != allowed_comment] == []


def test_the_lock_satisfies_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    names = {re.split(r"[ <>=!\[;]", one, maxsplit=1)[0].lower().replace("_", "-") for one in asked}
    assert names <= locked


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", ".ci/run"])
def test_what_a_newcomer_looks_for_is_there(name: str) -> None:
    assert (ROOT / name).read_text().strip()


def longest(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield node.end_lineno - node.lineno + 1, f"{said(path)}:{node.lineno} {node.name}"


def test_no_function_is_longer_than_sixty_lines() -> None:
    assert [where for path in modules() for lines, where in longest(path) if lines > 60] == []
