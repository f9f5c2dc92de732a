"""Opening and decoding video with PyAV: what files, streams and their tests share."""

from __future__ import annotations

import errno
import hashlib
import math
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np

from runtime.pictures import ValueRange, frame_to_bgr
from runtime.pictures.orientation import read_display_matrix, swaps_sides
from runtime.redaction import redact_record
from runtime.sources.reconnect import StalledError
from runtime.sources.timing import LATER_STAMPS, PictureClock, longest_gap_s, read_fps

#: Packets that are read ahead to measure a frame rate, at most.
AHEAD_PACKETS = 40
AHEAD_BYTES = 16 << 20
#: Stamps of packets that are remembered: more than a decoder keeps pictures back.
KEPT_STAMPS = 256
#: Data without a picture for so long is a stall: of what has given some, and of what is just open,
#: whose first whole picture may be a while away.
SILENCE_S = 10.0
FIRST_SILENCE_S = 30.0
#: Of a stream with few pictures, so many of its own steps.
SILENCE_STEPS = 3
#: Packets by which an address that gives the same again is known.
FIRST_PACKETS = 8


@dataclass(frozen=True)
class DecodedPicture:
    """One decoded picture: BGR pixels, its own time in seconds (None if unknown), its cost.

    ``pixel_aspect`` is how much wider than high its pixels are shown, ``lost_before`` how many
    packets had turned out damaged before it. ``later_s`` are the stamps of the packets behind its
    own, of a file.
    """

    image_bgr: np.ndarray
    pts_s: float | None
    capture_ms: float
    captured_at: float
    pixel_aspect: Fraction = Fraction(1)
    lost_before: int = 0
    later_s: tuple[float, ...] = ()


@dataclass
class SeenPackets:
    """What came out of a container.

    Attributes:
        shown: packets whose pictures are to be shown (an edit list leaves others out).
        corrupt: those among all that the container calls corrupt.
        ended_corrupt: whether the last one was, as of a file that ends in its middle.
        last_pts: the largest time stamp, in the stream's own unit.
    """

    shown: int = 0
    corrupt: int = 0
    ended_corrupt: bool = False
    last_pts: int | None = None

    def add(self, packet: Any) -> None:
        """Count one packet; the empty one at the end is none."""
        if not packet.size:
            return
        self.shown += not packet.is_discard
        self.ended_corrupt = packet.is_corrupt
        self.corrupt += packet.is_corrupt
        if packet.pts is not None:
            self.last_pts = max(packet.pts, self.last_pts or 0)


class PacketStamps:
    """The stamps of the packets read last, in the order they stand in the file."""

    def __init__(self) -> None:
        self._stamps_s: deque[float] = deque(maxlen=KEPT_STAMPS)

    def add(self, packet: Any) -> None:
        """Note one packet."""
        if packet.pts is not None:
            self._stamps_s.append(float(packet.pts * packet.time_base))

    def behind(self, stamp_s: float | None) -> tuple[float, ...]:
        """The next stamps behind the last packet with this one; none if it is not known."""
        kept = list(self._stamps_s)
        if stamp_s is None or stamp_s not in kept:
            return ()
        at = len(kept) - kept[::-1].index(stamp_s)
        return tuple(kept[at : at + LATER_STAMPS])


def is_url(name: str) -> bool:
    """Whether ``name`` is an address rather than a file."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", name) is not None


def without_secrets(error: Any) -> Any:
    """An error of FFmpeg's, of the same kind, whose texts hold no secret of an address."""
    texts = (str(error.strerror), error.filename, error.log)
    strerror, filename, log = (redact_record(text) for text in texts)
    return type(error)(error.errno, strerror, filename, log)


def open_container(name: str, **options: Any) -> Any:
    """Open a file or address for reading, whatever text its metadata holds.

    Up to version 18, PyAV refuses a file whose metadata is not UTF-8 unless it is told to ignore
    that; from version 19 on it never refuses one, and has no such argument.

    Args:
        name: A path or an address.
        **options: Passed on to ``av.open``.

    Returns:
        The open ``av`` container.

    Raises:
        av.error.FFmpegError: It cannot be opened.
        OSError: The file cannot be read.
    """
    import av

    if hasattr(av.container.InputContainer, "metadata_errors"):
        options["metadata_errors"] = "ignore"
    try:
        return av.open(name, **options)
    except av.error.FFmpegError as error:
        failure = without_secrets(error)
    raise failure  # outside, so that the library's own, with the whole address, is not its context


class Decoder:
    """Decodes one open container, packet by packet, over damaged places.

    ``fps`` is the nominal frame rate, measured where the container's own makes no sense (not of a
    live stream). ``ended`` says that the packets read ahead are all. ``damaged`` counts packets
    that could not be decoded; ``cut_off`` says that reading ended with an error rather than at the
    end. With ``live``, the time spent waiting for the network is not counted as capture time, and
    a broken connection raises instead of ending the video; so does one that brings data (sound,
    what cannot be decoded) but no picture for long, with ``StalledError``. ``on_packet`` is called
    for each packet that is read or decoded.
    """

    def __init__(
        self,
        container: Any,
        stream: Any,
        live: bool,
        values: ValueRange | None = None,
        on_packet: Callable[[], None] = lambda: None,
    ) -> None:
        self.container = container
        self.stream = stream
        self.live = live
        self.on_packet = on_packet
        self.damaged = 0
        self.cut_off = False
        self.ended = False
        self.seen = SeenPackets()
        self.pixel_aspect = read_pixel_aspect(stream)
        self.values = values or ValueRange(steady=True)
        self._demuxed = self._own(_demux(container, stream, everything=live))
        self._silent_since = time.monotonic()
        self._silence_s = FIRST_SILENCE_S
        self._ahead: list[Any] = []
        self._stamps = PacketStamps()
        self._broken: Exception | None = None
        self.fps = read_fps(stream)
        if self.fps is None and not live:
            self._read_ahead(AHEAD_PACKETS)
            self.fps = read_fps(stream, self._stamps_ahead())
        # Frame threads add a delay of one frame each: fine for a file, not for a live stream.
        stream.thread_type = "SLICE" if live else "AUTO"

    def begin_at(self, packets: Iterator[Any]) -> None:
        """Read these packets instead: the container has been moved to another place."""
        self._ahead, self._demuxed = [], self._own(packets)

    def packets(self) -> Iterator[Any]:
        """Every packet, in place of the pictures."""
        return self._demuxed_packets()

    def pictures(self) -> Iterator[DecodedPicture]:
        """Decoded pictures in the order they are shown."""
        started = time.perf_counter()
        self._silent_since = time.monotonic()
        for packet in self._packets():
            if self.live:
                started = time.perf_counter()
            for frame in self._decode(packet):
                image_bgr = frame_to_bgr(frame, self.values)
                if image_bgr is None:
                    self.damaged += 1
                    continue
                capture_ms = (time.perf_counter() - started) * 1e3
                # PyAV gives no unit to pictures that come out after a break.
                unit = frame.time_base or self.stream.time_base
                pts_s = None if frame.pts is None else float(frame.pts * unit)
                aspect = self._shown_aspect(frame)
                later_s = () if self.live else self._stamps.behind(pts_s)
                self._silent_since = time.monotonic()
                self._silence_s = max(SILENCE_S, SILENCE_STEPS / (self.fps or 25.0))
                yield DecodedPicture(
                    image_bgr, pts_s, capture_ms, started, aspect, self.damaged, later_s
                )
                started = time.perf_counter()

    def _own(self, packets: Iterator[Any]) -> Iterator[Any]:
        """The packets of the video among all; raises ``StalledError`` for a live one without any.

        A read ends with any packet, of the sound too, so that no time-out of a read sees it.
        """
        for packet in packets:
            self.on_packet()
            if packet.stream.index == self.stream.index:
                yield packet
            silent_s = time.monotonic() - self._silent_since
            if self.live and silent_s > self._silence_s:
                raise StalledError(f"data comes, but no picture for {silent_s:.0f} s")

    def _shown_aspect(self, frame: Any) -> Fraction:
        turned = swaps_sides(read_display_matrix(frame))
        return 1 / self.pixel_aspect if turned else self.pixel_aspect

    def clock(self) -> PictureClock:
        """A clock for the pictures' stamps."""
        return PictureClock(self.fps, longest_gap_s(self.container))

    def read_ahead_for(self, seconds: float) -> tuple[bytes, ...]:
        """Take packets of an address for a while; a mark of each of the first that came."""
        self._read_ahead(None, time.monotonic() + seconds)
        begin = [packet for packet in self._ahead if packet.size][:FIRST_PACKETS]
        marks = [f"{packet.pts} {packet.size} ".encode() + bytes(packet) for packet in begin]
        return tuple(hashlib.sha256(mark).digest() for mark in marks)

    def _read_ahead(self, most: int | None, until: float = math.inf) -> None:
        """Take packets before any is decoded."""
        import av

        size = sum(packet.size for packet in self._ahead)
        try:
            for packet in self._demuxed:
                self._ahead.append(packet)
                size += packet.size
                if len(self._ahead) == most or size >= AHEAD_BYTES or time.monotonic() > until:
                    return
            self.ended = True
        except av.error.FFmpegError as error:
            self._broken = error

    def _stamps_ahead(self) -> list[float]:
        """The stamps of the pictures in the packets read ahead, in seconds."""
        stamped = [packet for packet in self._ahead if packet.pts is not None]
        return [float(packet.pts * packet.time_base) for packet in stamped]

    def take_for_file(self) -> None:
        """What was opened as live has turned out to be a file."""
        self.live = False
        self.fps = self.fps or read_fps(self.stream, self._stamps_ahead())

    def _packets(self) -> Iterator[Any]:
        """All packets; those of a file a little later than they are read, for their stamps."""
        import av

        if self.live:
            yield from self._demuxed_packets()
            return
        waiting: deque[Any] = deque()
        size = 0
        try:
            for packet in self._demuxed_packets():
                self._stamps.add(packet)
                waiting.append(packet)
                size += packet.size
                while len(waiting) > LATER_STAMPS or size > AHEAD_BYTES:
                    size -= waiting[0].size
                    yield waiting.popleft()
        except av.error.FFmpegError:
            self.cut_off = True
        yield from waiting
        if self.cut_off:
            yield None  # the decoder still holds the pictures before the break

    def _demuxed_packets(self) -> Iterator[Any]:
        yield from self._ahead
        self._ahead = []
        if self._broken is not None:
            raise self._broken
        yield from self._demuxed

    def _decode(self, packet: Any) -> list[Any]:
        import av

        self.on_packet()
        if packet is not None:
            self.seen.add(packet)
        try:
            return list(self.stream.codec_context.decode(packet))
        except EOFError:
            return []
        except av.error.FFmpegError:
            self.damaged += 1
            return []


def _demux(container: Any, stream: Any, everything: bool) -> Iterator[Any]:
    """The packets of a stream, at the end one without data, which asks for what is still held.

    With ``everything``, those of the other streams as well.

    FFmpeg 9 (PyAV 19) tells the end that a web server marks of an answer in chunks as an error of
    input, up to FFmpeg 8 as an end; a connection that breaks off in between is an end to both.
    """
    import av

    try:
        wanted = () if everything else (stream,)
        yield from chain(container.demux(*wanted))  # PyAV's own breaks `yield from` once it ended
    except av.error.OSError as error:
        of_the_web = container.name.lower().startswith(("http://", "https://"))
        if error.errno != errno.EIO or not of_the_web or (container.size or 0) > 0:
            raise
        last = av.Packet()
        last.stream, last.time_base = stream, stream.time_base
        yield last


def read_pixel_aspect(stream: Any) -> Fraction:
    """How much wider than high a stream's pixels are shown; 1 where it does not say sensibly."""
    aspect = stream.sample_aspect_ratio
    return aspect if aspect and Fraction(1, 20) < aspect < 20 else Fraction(1)
