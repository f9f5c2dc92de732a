"""Secrets in addresses: one function takes them out of every text that leaves the program.

A camera's address holds its user and password, often a token in its path or query. :func:`redact`
is applied to every error (:class:`~runtime.errors.MgcaError` does it itself), log line, traceback,
report and record. What is shown of an address is its scheme, host and port, the words of its path
that name streams everywhere, and the names of its query; all else becomes ``***``. An address that
could be read in two ways (an ``@`` behind the host) shows its scheme alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

MASK = "***"

__all__ = [
    "MASK",
    "RedactingFilter",
    "is_pipeline",
    "redact",
    "redact_pipeline",
    "redact_record",
    "redact_url",
    "remember_arguments",
    "remember_pipeline",
    "remember_secret",
    "remember_url",
]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://\S+")
_TRAILING = re.compile(r"[)\]}>'\",.;:!]+$")
#: user:password@ without a scheme, as a slip of the pen leaves it.
_LOGIN = re.compile(r"(?<!\S)(?P<head>\S*?)[^\s:@/'\"(]+:[^\s]+@(?=[^\s@]+)")
_NAMED = re.compile(
    r"(?i)\b((?:[\w-]{1,40}-)?(?:pass(?:word|wd|phrase)?|pwd|pw|token|secret|api_?key|"
    r"access[_-]?(?:key|token)|streamid|signature|credentials?|user-id|proxy-id)\s?=\s?)"
    r"(?!\*\*\*)(?:\"[^\"]*\"|'[^']*'|[^\s&'\"),;]+)"
)
#: The same in the text of a GStreamer pipeline, where a value goes on to the next blank.
_PROPERTY = re.compile(
    r"(?i)(?<![\w-])((?:[\w-]+-)?(?:pass(?:word|wd|phrase)?|pwd|pw|token|secret|key|streamid|"
    r"signature|credentials?|user-id|proxy-id|user|username|login|cookies?|headers?)\s*=\s*)"
    r"(?!\*\*\*)(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\S+)"
)
_QUOTED_ADDRESS = re.compile(r"(?P<quote>[\"'])(?P<url>[A-Za-z][A-Za-z0-9+.-]+://.*?)(?P=quote)")
#: What stands between two elements of a pipeline.
_LINK = re.compile(r"\s!\s")
_SECRET_FLAG = re.compile(r"--(?:[a-z]+-)*(?:token|password|secret)")
_BEARER = re.compile(r"(?i)\b(authorization:\s*(?:basic|bearer|digest)\s+|bearer\s+)\S+")
#: What paths of cameras and servers are made of; a word that is not among these may be a token.
_PATH_WORDS = frozenset(
    """a an and api audio av avc axis back bin c cam camera cams cgi ch channel channels chunk
    chunklist clip clips cv d dash data demo dir door drive driveway e enc entrance external
    feed file files flv frame frames front garage garden gate h hall hd hevc high hls home
    hq http image images img index inside ipcam isapi jpeg jpg kitchen last left live
    livestream low lq main manifest master media mjpeg mjpg mp mpeg mpegts mpg north office
    onvif out outside p parking picture play playlist png pool preview primary profile
    public realmonitor rec record recording recordings right road room rtmp rtsp s sd sdp
    second secondary shared shop snap snapshot source south static stream streaming streams
    street sub test tile top track traffic trunk ts tv unicast v video videomain videos
    videosub view vod web webcam webm west x yard""".split()
)  # fmt: skip
_FILE_ENDINGS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".flv", ".m3u8", ".mpd", ".mjpg",
    ".mjpeg", ".jpg", ".jpeg", ".png", ".sdp", ".tar", ".cgi", ".html", ".avif", ".gif", ".mpg",
)  # fmt: skip
_OPEN_FIELDS = frozenset(
    """channel ch subtype stream profile resolution fps width height codec videocodec audio mode
    transport latency pkt_size timeout unicast proto overrun_nonfatal fifo_size buffer_size
    listen""".split()
)
_OPEN_VALUE = re.compile(
    r"(?i)\d{1,4}|\d{1,4}x\d{1,4}|h26[45]|mjpe?g|tcp|udp|listener|caller|onvif"
)
_TOPIC_SCHEMES = frozenset({"mqtt", "mqtts"})
#: What advice writes in place of a login.
_PLACEHOLDERS = frozenset({"user", "username", "password"})
#: Secrets of addresses that were given, so that they are found in any other text as well.
_known: dict[str, str] = {}


def redact_url(url: str) -> str:
    """An address as it may be shown.

    >>> redact_url("rtsp://me:p@ss/w@10.0.0.2:554/live?token=x&channel=1")
    'rtsp://***'
    >>> redact_url("rtsp://me:pass@10.0.0.2:554/live/a8Fz3kQ?token=x&channel=1")
    'rtsp://10.0.0.2:554/live/***?token=***&channel=1'
    """
    scheme, _, rest = url.partition("://")
    if scheme.lower() == "file" or MASK == rest:
        return url
    place = re.match(r"[^/?#]*", rest)
    authority = place[0] if place else ""
    behind = rest[len(authority) :]
    if "@" in behind:
        # user:pass/word@host, or a path with an @? Sure only where "user:pass" is no host:port.
        if "@" in authority or rest.count("@") > 1 or _is_host(authority):
            return f"{scheme}://{MASK}"
        return redact_url(f"{scheme}://{rest.rpartition('@')[2]}")
    host = authority.rpartition("@")[2]
    if not _is_host(host):  # a login that lost its host
        return f"{scheme}://{MASK}"
    path, _, fragment = behind.partition("#")
    path, question, query = path.partition("?")
    # The path of a broker's address is a topic: a name that many programs use, and no secret.
    shown_path = path if scheme.lower() in _TOPIC_SCHEMES else _redact_path(path)
    shown = f"{scheme}://{host}{shown_path}"
    if question:
        shown += "?" + "&".join(map(_redact_field, query.split("&")))
    return shown + (f"#{MASK}" if fragment else "")


def redact(text: str) -> str:
    """Any text without the secrets of the addresses in it, and without those remembered."""
    for secret in sorted(_known, key=len, reverse=True):
        if secret not in text:
            continue
        if "://" in secret:
            text = text.replace(secret, _known[secret])
        else:
            text = re.sub(rf"(?<![^\W_]){re.escape(secret)}(?![^\W_])", MASK, text)
    text = _ADDRESS.sub(_redact_found, text)
    text = _LOGIN.sub(_redact_login, text)
    text = _NAMED.sub(rf"\g<1>{MASK}", text)
    return _BEARER.sub(rf"\g<1>{MASK}", text)


def redact_pipeline(text: str) -> str:
    """The text of a GStreamer pipeline without the secrets of its addresses and properties.

    >>> redact_pipeline("rtspsrc location=rtsp://me:pass@10.0.0.2/live user-pw='a b' ! fakesink")
    'rtspsrc location=rtsp://10.0.0.2/live user-pw=*** ! fakesink'
    """
    text = _QUOTED_ADDRESS.sub(
        lambda found: f"{found['quote']}{redact_url(found['url'])}{found['quote']}", text
    )
    return redact(_PROPERTY.sub(rf"\g<1>{MASK}", text))


def redact_record(value: Any) -> Any:
    """The same for every text in a record of JSON's kinds; keys stay."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redact_record(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [redact_record(one) for one in value]
    return value


def remember_url(url: str) -> None:
    """Keep the secrets of an address, so that texts of libraries that repeat them are redacted.

    Remembered are the address as a whole and the parts of it that :func:`redact_url` leaves out,
    as they stand and with their percent signs read; of three letters or more, for shorter ones
    would be found in everything.
    """
    shown = redact_url(url)
    if shown == url:
        return
    for form in {url, " ".join(url.split()), unquote(url), repr(url)[1:-1]}:
        _known[form] = shown
    rest = url.partition("://")[2]
    login, at, behind = rest.rpartition("@")
    parts = {*re.split(r"[/?&#;=]", behind), login, *login.split(":", 1)} if at else set()
    parts |= set(re.split(r"[/?&#;=]", rest)[1:])
    for part in {*parts, *map(unquote, parts)}:
        if len(part) >= (4 if part.isdecimal() else 3) and part not in shown:
            if part.lower() not in _PATH_WORDS | _PLACEHOLDERS:
                _known[part] = MASK


def remember_pipeline(text: str) -> None:
    """Keep the secrets of a GStreamer pipeline's text: of its addresses, and of its properties."""
    quoted = [found["url"] for found in _QUOTED_ADDRESS.finditer(text)]
    for address in [*quoted, *_ADDRESS.findall(_QUOTED_ADDRESS.sub(" ", text))]:
        remember_url(_TRAILING.sub("", address))
    for _name, value in _PROPERTY.findall(text):
        plain = value.strip("\"'")
        if len(plain) >= (4 if plain.isdecimal() else 3):
            if plain.lower() not in _PATH_WORDS | _PLACEHOLDERS:
                _known[plain] = MASK


def is_pipeline(text: str) -> bool:
    """Whether a text is one of GStreamer's pipelines: elements with exclamation marks between."""
    return _LINK.search(text) is not None


def remember_secret(secret: str) -> None:
    """Keep a secret that stands alone, such as a token, so that no text shows it."""
    if len(secret) >= 3 and secret.lower() not in _PATH_WORDS | _PLACEHOLDERS:
        _known[secret] = MASK


def remember_arguments(arguments: Sequence[str]) -> list[str]:
    """Remember the addresses and tokens in a command line; gives the arguments that hold one."""
    secret = []
    for flag, value in pairwise(arguments):
        if _SECRET_FLAG.fullmatch(flag) and not value.startswith("${"):
            remember_secret(value)
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if equals and _SECRET_FLAG.fullmatch(flag) and not value.startswith("${"):
            remember_secret(value)
        if is_pipeline(argument):
            remember_pipeline(argument)
            if redact_pipeline(argument) != argument:
                secret.append(argument)
            continue
        address = re.search(r"[A-Za-z][A-Za-z0-9+.-]+://.*", argument, re.DOTALL)
        if address is not None:
            remember_url(address[0])
        if redact(argument) != argument:
            secret.append(argument)
    return secret


class RedactingFilter(logging.Filter):
    """Lets every record of a logger pass, its message redacted."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the message in place."""
        record.msg, record.args = redact(record.getMessage()), None
        return True


def _is_host(text: str) -> bool:
    return re.fullmatch(r"(?:\[[0-9A-Fa-f:.%]+\]|[^:@\s]+)(?::\d{0,5})?|", text) is not None


def _redact_login(found: re.Match[str]) -> str:
    return found[0] if "://" in found["head"] else f"{found['head']}{MASK}@"


def _redact_found(found: re.Match[str]) -> str:
    tail = _TRAILING.search(found[0])
    end = len(found[0]) - (len(tail[0]) if tail else 0)
    return redact_url(found[0][:end]) + found[0][end:]


def _redact_field(field: str) -> str:
    name, equals, value = field.partition("=")
    if not equals:
        return field if not field or _is_plain(field) else MASK
    if not value or (name.lower() in _OPEN_FIELDS and _OPEN_VALUE.fullmatch(value)):
        return field
    return f"{name}={MASK}"


def _redact_path(path: str) -> str:
    segments = path.split("/")
    return "/".join(
        segment if _may_be_shown(segment, place == len(segments) - 1) else MASK
        for place, segment in enumerate(segments)
    )


def _may_be_shown(segment: str, last: bool) -> bool:
    """Whether a segment of a path is made of words that name streams, or is a media file's name."""
    stem, dot, ending = segment.rpartition(".")
    if last and dot and f".{ending.lower()}" in _FILE_ENDINGS:
        return _is_plain(stem) or re.fullmatch(r"[A-Za-z]{1,24}[-_]?\d{0,6}", stem) is not None
    return _is_plain(segment)


def _is_plain(text: str) -> bool:
    """Whether a text is nothing but known words and short numbers, as in ``h264_preview-01``."""
    if re.search(r"\d{5}|[^\w.-]", text):
        return False
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]", text)
    if len(words) > 4 or not text.isascii():
        return False
    if sum(len(word) == 1 for word in words) > 1:  # "a1b2c3" is no row of names
        return False
    return all(word.lower() in _PATH_WORDS for word in words)
