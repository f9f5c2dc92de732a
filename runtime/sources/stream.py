"""A video address: RTSP, HTTP, RTMP, SRT, UDP. Live streams are reconnected when they break."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from runtime.errors import UserError
from runtime.pictures import ValueRange
from runtime.redaction import redact_url, remember_url
from runtime.sources.changes import ChangeWatch
from runtime.sources.decoding import (
    DecodedPicture,
    Decoder,
    is_url,
    open_container,
)
from runtime.sources.frame import Frame, Source, frame_stem, log
from runtime.sources.framing import says_where_it_ends
from runtime.sources.losses import count_announced, describe_losses
from runtime.sources.reconnect import ReconnectTimer, StalledError
from runtime.sources.timing import estimate_frames, timed
from runtime.sources.video_stream import find_video_stream

OPEN_TIMEOUT_S = 10.0
#: How long FFmpeg may look at a live stream to find out what it is; its default of 5 s is lag.
ANALYSE_S = 2.5
#: Containers that state a duration when they are written to their end, never while they grow.
KNOW_THEIR_DURATION = frozenset({"matroska", "webm", "mov", "mp4", "avi"})
#: How long what may be a file is read ahead, to see its end.
AHEAD_S = 1.0
#: What every build of FFmpeg reads.
READABLE_SCHEMES = ("rtsp", "http", "https", "rtmp", "udp")
#: Addresses that are live by their nature; HTTP is asked (it may be a file with an end).
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
        self.timer = ReconnectTimer(f"stream {self.name}", reconnect_timeout_s, self.tell)
        self.changes = ChangeWatch(f"stream {self.name}", self.tell)
        self._values = ValueRange(steady=True)
        self.values = self._values.met
        self._index = 0
        self._first_at: float | None = None
        self._began_with: tuple[bytes, ...] = ()
        self._says_its_end = False

    def resume(self) -> None:
        """Go on in place of a source that had frames already and was lost."""
        self.timer.resume()

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """Frames until the end of a file, for ever for a live stream; see :meth:`Source.frames`."""
        import av

        self.timer.begin()
        while not stop.is_set():
            try:
                container = self._connect()
            except (av.error.FFmpegError, OSError) as error:
                self._refuse_for_good(error)
                self.timer.wait(stop, self._true_reason(error))
                continue
            reason: Exception | None = None
            had_frames = self._index
            try:
                yield from self._read(container, stop)
            except (av.error.FFmpegError, OSError) as error:
                reason = self._true_reason(error)
                if isinstance(reason, TimeoutError) and self._index > had_frames:
                    reason = StalledError(str(reason))  # it was well a moment ago
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
            if reason is None and self._may_be_read_again():
                continue
            self.timer.wait(stop, reason)

    def _connect(self) -> Any:
        options = {"rtsp_transport": "tcp"} if self.scheme.startswith("rtsp") else {}
        if self.live:
            options["analyzeduration"] = str(round(ANALYSE_S * 1e6))
        # A stream that falls silent is noticed while there is time left to open it again.
        timeouts_s = (self.timer.remaining_s(OPEN_TIMEOUT_S), self.timer.stall_s)
        return open_container(self.url, options=options, timeout=timeouts_s)

    def _read(self, container: Any, stop: threading.Event) -> Iterator[Frame]:
        stream = find_video_stream(container, self.name)
        if self._live_wanted is None and self.scheme not in LIVE_SCHEMES:
            self.live = has_no_end(container)
        decoder = Decoder(container, stream, self.live, self._values, self.on_life)
        if self.live and self._may_have_an_end(container):
            self._look_for_the_end(decoder)
            if not self.live and self._index:
                return
        self.fps = decoder.fps or self.fps
        if not self.live:
            self.frame_count = count_announced(container, stream) or estimate_frames(
                container, stream, self.fps
            )
        self.changes.see_codec(stream.codec_context.name)
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
            self._see(picture)
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
        # Without a picture there is an error to come, which says more.
        losses = None if self.live or not self._index else describe_losses(decoder, self._index)
        if losses is not None:
            log.warning("%s %s", self.name, losses)

    def _see(self, picture: DecodedPicture) -> None:
        height, width = picture.image_bgr.shape[:2]
        self.changes.see_size((width, height))
        if self.live:
            self.changes.see_time(picture.pts_s)

    def _may_have_an_end(self, container: Any) -> bool:
        """Whether what states neither a length nor a duration may be a file all the same.

        A camera's pictures one by one are none.
        """
        if self._live_wanted is not None or self.scheme not in ("http", "https"):
            return False
        if self._index and not self._began_with:
            return False  # it is known
        names = set(container.format.name.split(","))
        return not names & {"mpjpeg", "mjpeg", "hls", "dash"}

    def _look_for_the_end(self, decoder: Decoder) -> None:
        """See whether what came without a length is a file nevertheless.

        It is one if all of it comes at once and ends with a mark of the server's; or if, after
        such an end, the address begins with the very same pictures.
        """
        begins_with = decoder.read_ahead_for(AHEAD_S)
        if self._index:
            # One of the two may have been slower, and have brought fewer.
            both = list(zip(begins_with, self._began_with, strict=False))
            same = bool(both) and all(now == then for now, then in both)
            self.live = not (self._says_its_end and same)
            self._began_with = ()  # asked once
            return
        self._began_with = begins_with
        if decoder.ended and says_where_it_ends(self.url, self.timer.stall_s):
            self.live = False
            decoder.take_for_file()

    def _may_be_read_again(self) -> bool:
        """Whether a stream that ended is to be opened at once, to see if it begins as before."""
        if self._says_its_end or not self._index or not self._began_with:
            return False
        self._says_its_end = says_where_it_ends(self.url, self.timer.stall_s)
        return self._says_its_end

    def _true_reason(self, error: Exception) -> Exception:
        """What was meant: a time-out comes as ExitError, over RTSP as InvalidDataError."""
        import av

        silent = isinstance(error, av.error.ExitError)
        if self.scheme.startswith("rtsp"):
            silent = silent or isinstance(error, av.error.InvalidDataError)
        if silent:
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

    A playlist has an end if it has a duration, and so has a container that only states one when it
    is complete. Of anything else the server states a length if it is a file, mostly: what comes in
    chunks has none, and a WebM that was recorded in a browser has no duration either.
    """
    names = set(container.format.name.split(","))
    if names & {"hls", "dash"}:
        return (container.duration or 0) <= 0
    if names & KNOW_THEIR_DURATION and (container.duration or 0) > 0:
        return False
    return (container.size or 0) <= 0
