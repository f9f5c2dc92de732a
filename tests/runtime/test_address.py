"""Addresses of brokers and servers: taken apart, their secrets hidden, their topics not."""

from __future__ import annotations

import pytest

from runtime.address import read_address
from runtime.errors import UserError
from runtime.redaction import redact, remember_arguments

PORTS = {"mqtt": 1883, "https": 443}


def read(text: str):
    return read_address("--flag", text, PORTS, "mqtt://host/topic")


def test_its_parts() -> None:
    found = read("MQTT://me:p%40%2Fs@Host.example/a/b")
    assert (found.scheme, found.host, found.port, found.path) == (
        "mqtt", "host.example", 1883, "/a/b",
    )  # fmt: skip
    assert (found.user, found.password) == ("me", "p@/s")
    assert "p@/s" not in repr(found) and "p%40" not in repr(found)
    plain = read("https://[::1]:8443/x?token=S3cretly")
    assert (plain.host, plain.port, plain.user, plain.query) == (
        "::1",
        8443,
        None,
        "token=S3cretly",
    )
    assert "S3cretly" not in plain.shown


def test_a_login_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_LOGIN", "me:S3cretly")
    found = read("mqtt://${BROKER_LOGIN}@host")
    assert (found.user, found.password) == ("me", "S3cretly")
    assert redact("S3cretly is refused") == "*** is refused"


def test_a_topic_is_no_secret() -> None:
    """Otherwise its words, such as a door's, would be missing in every text of the run."""
    remember_arguments(["--mqtt", "mqtt://me:S3cretly@host/home/porch"])
    assert redact("porch is at home") == "porch is at home"
    assert redact("mqtt://me:S3cretly@host/home/porch") == "mqtt://host/home/porch"
    remember_arguments(["--webhook", "https://host/hook/T0k3nOfMine"])
    assert redact("T0k3nOfMine") == "***"


@pytest.mark.parametrize("text", ["x", "mqtt:host", "mqtt:///topic", "mqtt://a b/", "gopher://a"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(UserError, match="expected"):
        read(text)
