"""What stands in deploy/ fits the project: flags, exit codes, extras, files that are copied."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.cli.arguments import build_parser
from tests.support.processes import LIMIT_S

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture
def unit(repository: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(repository / "deploy/mgca-rt.service")
    return parser


def test_the_unit_calls_the_command_as_it_is(unit: configparser.ConfigParser) -> None:
    program, *arguments = unit["Service"]["ExecStart"].split()
    assert Path(program).name == "mgca-rt"
    assert build_parser().parse_args(arguments).config == "/etc/mgca/site.toml"
    assert unit["Service"]["RestartPreventExitStatus"] == "2"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze (systemd)")
def test_systemd_takes_the_unit(repository: Path, tmp_path: Path) -> None:
    text = (repository / "deploy/mgca-rt.service").read_text()
    here = tmp_path / "mgca-rt.service"
    here.write_text(text.replace("/opt/mgca/bin/mgca-rt", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(here)],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_copies_what_is_there_and_installs_an_extra_that_exists(repository: Path) -> None:
    text = (repository / "deploy/Dockerfile").read_text()
    for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE):
        for name in line.split()[:-1]:
            assert (repository / name).exists(), name
    with (repository / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    extras = project["project"]["optional-dependencies"]
    assert set(re.findall(r"EXTRA=(\w+)", text)) <= set(extras)
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    copied = re.findall(r"^COPY (\w+) \w+$", text, re.MULTILINE)
    assert set(copied) == {name.split("*")[0].rstrip(".") for name in packages}
