"""The lock file and the table of licenses cover what the project asks for."""

from __future__ import annotations

import re
from email.message import Message

import pytest
from packaging.markers import Marker
from packaging.utils import canonicalize_name

from tests.supply.declared import LOCK, RUNNING, Pin, read_declared, read_lock
from tests.supply.licenses import NOT_STATED, find_license
from tests.supply.page import read_table

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}


def applies(marker: Marker | str | None, python: str) -> bool:
    if marker is None:
        return True
    place = {"python_version": python, "python_full_version": f"{python}.5", "extra": "", **LINUX}
    return Marker(str(marker)).evaluate(place)


@pytest.mark.lint
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_pins_what_is_declared(python: str) -> None:
    pins = [pin for pin in read_lock() if applies(pin.marker, python)]
    by_name = {pin.name: pin for pin in pins}
    assert len(by_name) == len(pins) > 80, "two pins of one package"
    declared = read_declared()
    for requirement in (*declared[RUNNING], *declared["dev"]):
        if not applies(requirement.marker, python):
            continue
        pin = by_name.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} is not in {LOCK.name}: make lock"
        fits = requirement.specifier.contains(pin.version, prereleases=True)
        assert fits, f"{pin.name}=={pin.version} is not {requirement}: make lock"


@pytest.mark.lint
def test_every_pin_has_hashes_and_no_address() -> None:
    for pin in read_lock():
        assert pin.hashes, pin.name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in pin.hashes), pin.name
    assert "://" not in LOCK.read_text()


@pytest.mark.lint
def test_every_package_has_its_license_in_the_table() -> None:
    table = read_table()
    declared = {canonicalize_name(one.name) for part in read_declared().values() for one in part}
    missing = (declared | {pin.name for pin in read_lock()}) - table.keys()
    assert not missing, f"without a license in docs/supply.md: {sorted(missing)}; make licenses"
    silent = {name for name, text in table.items() if text == NOT_STATED}
    assert not silent & {canonicalize_name(one.name) for one in read_declared()[RUNNING]}


class Package:
    def __init__(self, **headers: str) -> None:
        self.metadata = Message()
        for name, value in headers.items():
            self.metadata[name.replace("_", "-")] = value


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"License_Expression": "MIT", "License": "other"}, "MIT"),
        ({"Classifier": "License :: OSI Approved :: MIT License", "License": "x"}, "MIT License"),
        ({"Classifier": "License :: OSI Approved", "License": "BSD"}, "BSD"),
        ({"Classifier": "Topic :: Software"}, NOT_STATED),
        ({"License": "UNKNOWN"}, NOT_STATED),
        ({"License": "Permission is hereby granted " * 9}, NOT_STATED),
    ],
)
def test_what_a_package_says_of_its_license(headers: dict[str, str], expected: str) -> None:
    assert find_license(Package(**headers)) == expected  # type: ignore[arg-type]


def test_a_lock_is_read(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some.lock"
    path.write_text(
        "# made by hand\nOne_Two==1.0 ; python_full_version < '3.11' \\\n    --hash=sha256:ab \\\n"
        "    --hash=sha256:cd\nthree==2\n"
    )
    monkeypatch.setattr("tests.supply.declared.LOCK", path)
    first, second = read_lock()
    marker = "python_full_version < '3.11'"
    assert first == Pin("one-two", "1.0", marker, ["sha256:ab", "sha256:cd"])
    assert second == Pin("three", "2", None, [])
    path.write_text("three>=2\n")
    with pytest.raises(ValueError, match="no pin"):
        read_lock()
