"""A video address: RTSP, HTTP, RTMP, SRT, UDP. Live streams are reconnected when they break."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from runtime.errors import UserError
from runtime.pictures import ValueRange
from runtime.redaction import redact_url, remember_url
from runtime.sources.decoding import (
    DecodedPicture,
    Decoder,
    is_url,
    open_container,
)
from runtime.sources.frame import Frame, Source, frame_stem, log
from runtime.sources.losses import count_announced, describe_losses
from runtime.sources.reconnect import ReconnectTimer
from runtime.sources.timing import estimate_frames, timed
from runtime.sources.video_stream import find_video_stream

OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 5.0
#: How long FFmpeg may look at a live stream to find out what it is; its default of 5 s is lag.
ANALYSE_S = 2.5
#: Addresses that are live by their nature; HTTP is asked (it may be a file with an end).
#: What every build of FFmpeg reads.
READABLE_SCHEMES = ("rtsp", "http", "https", "rtmp", "udp")
LIVE_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "udp", "rtp", "srt", "tcp")


class StreamSource(Source):
    """A video at an address.

    A live stream that breaks or ends is opened again, with a counter and a growing pause; frames
    are timed by this machine's clock, since a stream's own clock starts over after a break. A
    file served over HTTP is read once to its end like a file on disk.
    ``reconnect_timeout_s`` is how long it may be away: None means 10 s at the start and any time
    later. ``live`` None means: find out.
    """

    kind = "stream"

    def __init__(
        self, url: str, reconnect_timeout_s: float | None = None, live: bool | None = None
    ) -> None:
        assert is_url(url)
        remember_url(url)
        super().__init__(redact_url(url))
        self.url = url
        self.scheme = url.split("://", 1)[0].lower()
        self._live_wanted = live
        self.live = self.scheme in LIVE_SCHEMES if live is None else live
        self.timer = ReconnectTimer(f"stream {self.name}", reconnect_timeout_s)
        self._values = ValueRange(steady=True)
        self.values = self._values.met
        self._index = 0
        self._first_at: float | None = None

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Frames until the end of a file, for ever for a live stream; see :meth:`Source.frames`."""
        import av

        while not stop.is_set():
            try:
                container = self._connect()
            except (av.error.FFmpegError, OSError) as error:
                self._refuse_for_good(error)
                self.timer.wait(stop, self._true_reason(error))
                continue
            reason: Exception | None = None
            try:
                yield from self._read(container, stop)
            except (av.error.FFmpegError, OSError) as error:
                reason = self._true_reason(error)
            except UserError as error:
                if not self.timer.had_frames:
                    raise
                reason = error  # it has been a video: what it is now will pass
            finally:
                container.close()
            if stop.is_set():
                return
            if not self.live:
                self._end_of_file(reason)
                return
            self.timer.wait(stop, reason)

    def _connect(self) -> Any:
        options = {"rtsp_transport": "tcp"} if self.scheme.startswith("rtsp") else {}
        if self.live:
            options["analyzeduration"] = str(round(ANALYSE_S * 1e6))
        # A stream that falls silent is noticed while there is time left to open it again.
        timeouts_s = (
            self.timer.remaining_s(OPEN_TIMEOUT_S),
            max(0.5, min(READ_TIMEOUT_S, self.timer.limit_s / 3)),
        )
        return open_container(self.url, options=options, timeout=timeouts_s)

    def _read(self, container: Any, stop: threading.Event) -> Iterator[Frame]:
        stream = find_video_stream(container, self.name)
        if self._live_wanted is None and self.scheme not in LIVE_SCHEMES:
            self.live = has_no_end(container)
        decoder = Decoder(container, stream, self.live, self._values)
        self.fps = decoder.fps or self.fps
        if not self.live:
            self.frame_count = count_announced(container, stream) or estimate_frames(
                container, stream, self.fps
            )
        pictures = decoder.pictures()
        if self.live:
            paced: Iterable[tuple[DecodedPicture, float | None]] = ((one, None) for one in pictures)
        else:
            paced = timed(pictures, decoder.clock())
        for picture, time_s in paced:
            if stop.is_set():
                return
            if self.timer.seen_frame():
                self.reconnects += 1
                log.warning("stream %s is back", self.name)
            if self._first_at is None:
                self._first_at = picture.captured_at
            since_s = picture.captured_at - self._first_at
            self.pixel_aspect = picture.pixel_aspect
            for kind in tuple(self.values):
                self.warn_of_values(kind)
            yield Frame(
                self._index,
                since_s if time_s is None else time_s,
                picture.image_bgr,
                frame_stem(self._index),
                picture.capture_ms,
                picture.captured_at,
                picture.pixel_aspect,
            )
            self._index += 1
        losses = None if self.live else describe_losses(decoder, self._index)
        if losses is not None:
            log.warning("%s %s", self.name, losses)

    def _true_reason(self, error: Exception) -> Exception:
        """Over RTSP, PyAV's time-out ends reading with InvalidDataError, whatever the data."""
        import av

        if self.scheme.startswith("rtsp") and isinstance(error, av.error.InvalidDataError):
            return TimeoutError("no answer in time")
        return error

    def _refuse_for_good(self, error: Exception) -> None:
        """Raise at once for what waiting cannot mend, unless it has worked before."""
        import av

        if self.timer.had_frames:
            return

        if isinstance(error, av.error.ProtocolNotFoundError):
            known = self.scheme in LIVE_SCHEMES
            why = f"PyAV {av.__version__} as installed has no" if known else "nothing reads"
            others = [name for name in READABLE_SCHEMES if name != self.scheme]
            raise UserError(
                f"--video {self.name}: {why} {self.scheme}://; give a file, or "
                f"{', '.join(f'{name}://' for name in others[:-1])} or {others[-1]}://"
            ) from None
        if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
            raise UserError(
                f"--video {self.name} refuses access; give user and password in the address "
                "(rtsp://user:password@host/path)"
            ) from None
        if isinstance(error, av.error.InvalidDataError) and self.scheme in ("http", "https"):
            raise UserError(f"--video {self.name} does not answer with a video") from None

    def _end_of_file(self, reason: Exception | None) -> None:
        if not self._index:
            raise UserError(
                f"--video {self.name} gave no picture that can be decoded; if it plays elsewhere, "
                "its server cannot seek (no Range requests) and its index stands at its end: "
                "download it first, or write it with -movflags +faststart"
            )
        if reason is not None:
            log.warning("%s broke off after %d frames (%s)", self.name, self._index, reason)


def has_no_end(container: Any) -> bool:
    """Whether an open HTTP container is a live stream.

    A playlist has an end if it has a duration. Of anything else the server states a length if it
    is a file; a duration alone says nothing, a WebM that was recorded in a browser has none.
    """
    if "hls" in container.format.name or "dash" in container.format.name:
        return container.duration is None or container.duration <= 0
    return (container.size or 0) <= 0
