"""HOST:PORT, and what cannot be listened on."""

from __future__ import annotations

import socket

import pytest

from runtime.errors import UserError
from runtime.serve.address import Address, bind, is_loopback, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080, True),
        ("localhost:0", "localhost", 0, True),
        ("[::1]:443", "::1", 443, True),
        ("127.8.0.3:1", "127.8.0.3", 1, True),
        ("0.0.0.0:8080", "0.0.0.0", 8080, False),
        ("camera.local:8080", "camera.local", 8080, False),
        ("[fe80::1%eth0]:80", "fe80::1%eth0", 80, False),
        ("localhost.example.com:80", "localhost.example.com", 80, False),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int, loopback: bool) -> None:
    address = parse_address(text)
    assert address == Address(host, port) and address.is_loopback is loopback
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "host", "host:", "host:x", "host:65536", "::1:80", "h:-1", "h:１"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="expected HOST:PORT, such as"):
        parse_address(text)


def test_a_port_in_use_and_a_host_of_others_are_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"127.0.0.1:{port} cannot be listened on .*in use"):
            bind(Address("127.0.0.1", port))
    with pytest.raises(UserError, match="cannot be listened on"):
        bind(Address("203.0.113.7", 0))
    with pytest.raises(UserError, match="is not known; give an address of this machine"):
        bind(Address("no..host", 0))


def test_connections_of_machines_that_went_will_end() -> None:
    with (
        bind(Address("127.0.0.1", 0)) as bound,
        socket.create_connection(bound.getsockname(), timeout=20),
    ):
        bound.settimeout(20)
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            for name, value in (("TCP_KEEPIDLE", 30), ("TCP_USER_TIMEOUT", 30_000)):
                if hasattr(socket, name):
                    assert accepted.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value


@pytest.mark.parametrize("host", ["evil.example", "0.0.0.0", "10.0.0.1", "1270.0.0.1", ""])
def test_others_are_no_loopback(host: str) -> None:
    assert not is_loopback(host)
