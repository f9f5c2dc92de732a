"""Addresses of other programs, read from flags: checked, with the environment filled in."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from runtime.errors import UserError
from runtime.redaction import redact_url, remember_url

__all__ = ["NetworkAddress", "fill_in_environment", "read_address"]


@dataclass(frozen=True)
class NetworkAddress:
    """One address, taken apart.

    Attributes:
        scheme: in lower case, such as ``mqtts``.
        host: name or number, as the socket takes it.
        port: 1 to 65535, the scheme's own where none was given.
        user: with its percent signs read; None without a login.
        password: the same.
        path: as given, "" or from the first slash on.
        query: as given, without the question mark.
        shown: the whole as it may be shown, without secrets.
    """

    scheme: str
    host: str
    port: int
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    path: str = field(repr=False)
    query: str = field(repr=False)
    shown: str


def read_address(flag: str, text: str, ports: Mapping[str, int], example: str) -> NetworkAddress:
    """Read ``scheme://user:password@host:port/path?query``; its secrets are remembered.

    Args:
        flag: the flag that it was given for.
        text: the address; ``${NAME}`` stands for an environment variable.
        ports: the schemes that are taken, with their usual ports.
        example: an address of the right kind, for messages.

    Raises:
        UserError: it is none, or of another scheme.
    """
    text = fill_in_environment(text, flag)
    if not text:
        raise UserError(f"{flag} is empty; expected an address such as {example}")
    shown = "***"
    if "://" in text:
        remember_url(text)
        shown = redact_url(text)
    schemes = " or ".join(f"{scheme}://" for scheme in ports)
    if not text.isprintable() or " " in text or "\\" in text:
        raise UserError(f"{flag} {shown}: an address holds no blanks; expected such as {example}")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except (ValueError, UnicodeError):
        raise UserError(f"{flag} {shown} is no address; expected such as {example}") from None
    if parts.scheme.lower() not in ports:
        raise UserError(f"{flag} {shown}: expected {schemes}, such as {example}")
    if not host or port == 0 or parts.fragment:
        raise UserError(f"{flag} {shown} names no host and port; expected such as {example}")
    return NetworkAddress(
        scheme=parts.scheme.lower(),
        host=host,
        port=port or ports[parts.scheme.lower()],
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        path=parts.path,
        query=parts.query,
        shown=shown,
    )


def fill_in_environment(address: str, flag: str = "--video") -> str:
    """``${NAME}`` in an address replaced by that environment variable; raises ``UserError``.

    So a password need stand neither in a file of flags nor in the list of processes.
    """
    if os.path.exists(address):
        return address

    def read(found: re.Match[str]) -> str:
        value = os.environ.get(found[1])
        if value is None:
            raise UserError(
                f"{flag} {address}: the environment variable {found[1]} is not set; set it"
            )
        return value

    return re.sub(r"\$\{([A-Za-z_]\w*)\}", read, address)
