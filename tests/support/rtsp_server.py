"""A small but real RTSP server: sends a clip as H.264 over RTP, interleaved in the TCP connection.

FFmpeg's own RTP muxer makes the packets; this file only speaks the few words of RTSP (RFC 2326)
that a player needs: OPTIONS, DESCRIBE, SETUP, PLAY. After ``frames`` pictures it hangs up, like a
camera that is switched off, and can be asked again ``most`` times in all. With ``freezes`` it
falls silent instead: the connection stays and nothing comes, in later sessions from the start.
"""

from __future__ import annotations

import base64
import socket
import threading
import time
from pathlib import Path

import av

from tests.support.processes import LIMIT_S

RTP_PAYLOAD = 96


class RtspServer:
    """Serves one clip on a port of its own for as long as the ``with`` block lasts."""

    def __init__(
        self,
        clip: Path,
        frames: int,
        password: str | None = None,
        most: int = 10**6,
        freezes: bool = False,
    ) -> None:
        self.freezes = freezes
        self.clip, self.frames, self.password, self.most = clip, frames, password, most
        self.sessions = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(LIMIT_S)
        self.url = f"rtsp://127.0.0.1:{self._socket.getsockname()[1]}/cam"
        self._over = threading.Event()

    def __enter__(self) -> RtspServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._socket.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
                connection.settimeout(LIMIT_S)
            except OSError:
                return
            if self.sessions >= self.most:
                connection.close()
                continue
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                while (request := self._read(lines)) is not None:
                    if self._answer(connection, *request):
                        self._play(connection)
                        return
        except OSError:
            pass  # the player went away

    def _read(self, lines) -> tuple[str, dict[str, str]] | None:
        first = lines.readline().decode()
        if not first.strip():
            return None
        head: dict[str, str] = {}
        while line := lines.readline().decode().strip():
            name, _, value = line.partition(":")
            head[name.lower()] = value.strip()
        return first.split()[0], head

    def _answer(self, connection: socket.socket, method: str, head: dict[str, str]) -> bool:
        extra, body, status = "", "", "200 OK"
        if method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif self.password is not None and not self._allowed(head):
            status, extra = "401 Unauthorized", 'WWW-Authenticate: Basic realm="cam"\r\n'
        elif method == "DESCRIBE":
            body = (
                "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\n"
                f"m=video 0 RTP/AVP {RTP_PAYLOAD}\r\nc=IN IP4 0.0.0.0\r\n"
                f"a=rtpmap:{RTP_PAYLOAD} H264/90000\r\n"
                f"a=fmtp:{RTP_PAYLOAD} packetization-mode=1\r\n"
                "a=control:track1\r\n"
            )
            extra = f"Content-Base: {self.url}/\r\nContent-Type: application/sdp\r\n"
        elif method == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 7\r\n"
        elif method == "PLAY":
            extra = "Session: 7\r\n"
        answer = f"RTSP/1.0 {status}\r\nCSeq: {head.get('cseq', '0')}\r\n{extra}"
        answer += f"Content-Length: {len(body)}\r\n\r\n{body}"
        connection.sendall(answer.encode())
        return method == "PLAY" and status == "200 OK"

    def _allowed(self, head: dict[str, str]) -> bool:
        given = head.get("authorization", "").removeprefix("Basic ")
        return given == base64.b64encode(f"user:{self.password}".encode()).decode()

    def _play(self, connection: socket.socket) -> None:
        self.sessions += 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", 0))
            receiver.setblocking(False)
            port = receiver.getsockname()[1]
            with (
                av.open(str(self.clip)) as source,
                av.open(f"rtp://127.0.0.1:{port}?pkt_size=1200", "w", format="rtp") as sender,
            ):
                stream = sender.add_stream_from_template(source.streams.video[0])
                packets = [p for p in source.demux(video=0) if p.size]
                count = 0 if self.freezes and self.sessions > 1 else self.frames
                for packet in packets[:count]:
                    packet.stream = stream
                    sender.mux(packet)
                    time.sleep(0.01)
                    while True:
                        try:
                            datagram = receiver.recv(65536)
                        except BlockingIOError:
                            break
                        header = b"$\0" + len(datagram).to_bytes(2, "big")
                        connection.sendall(header + datagram)
        if self.freezes:
            self._over.wait(LIMIT_S)
