"""Where the server listens: ``HOST:PORT``, bound before there is any work to lose."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from runtime.errors import UserError

FLAG = "--serve"
#: What the system may hold of pictures that a slow viewer has not taken yet: more is only lag.
SEND_BUFFER_BYTES = 128 << 10

__all__ = ["FLAG", "Address", "bind", "parse_address"]


@dataclass(frozen=True)
class Address:
    """A host, as it was given, without brackets, and a port; 0 takes any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


def bracketed(host: str) -> str:
    """A host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether a host, by name or number, is this machine seen from itself."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def parse_address(text: str) -> Address:
    """Read ``HOST:PORT`` or ``[HOST]:PORT``; raises ``UserError``.

    >>> parse_address("127.0.0.1:8080"), parse_address("[::1]:8080").host
    (Address(host='127.0.0.1', port=8080), '::1')
    """
    host, colon, port = text.strip().rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    written_out = ":" not in host or bare != host
    digits = port.isascii() and port.isdecimal() and len(port) <= 5
    if not colon or not bare or not written_out or not digits or int(port) > 65535:
        raise UserError(
            f"{FLAG} {text} is no address; expected HOST:PORT, such as 127.0.0.1:8080 (this "
            "machine alone) or 0.0.0.0:8080 (every network, with --serve-token)"
        )
    return Address(bare, int(port))


def _notice_the_dead(bound: socket.socket) -> None:
    """Connections of machines that went without a word end; accepted ones inherit this."""
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        "TCP_KEEPIDLE": 30,
        "TCP_KEEPINTVL": 10,
        "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": 30_000,  # of what was sent and not acknowledged; milliseconds
    }
    for name, value in options.items():
        if hasattr(socket, name):
            bound.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def bind(address: Address) -> socket.socket:
    """A listening socket; raises ``UserError`` where the address is taken or not this machine's."""
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        raise UserError(
            f"{FLAG} {address}: the host {address.host} is not known; give an address of this "
            "machine, such as 127.0.0.1"
        ) from None
    family, _, _, _, place = found[0]
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        _notice_the_dead(bound)
        if family == socket.AF_INET6:
            bound.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address.host == "::" else 1
            )
        bound.bind(place)
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise UserError(
            f"{FLAG} {address} cannot be listened on ({error.strerror}); give another port, or "
            "end what uses this one"
        ) from None
    bound.setblocking(False)
    return bound
