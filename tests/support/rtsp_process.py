"""A real RTSP server in a process of its own, GStreamer's: can be killed, paused, restarted.

Run as a script by the system's Python, which has Debian's bindings (``gir1.2-gst-rtsp-server-1.0``,
``gstreamer1.0-plugins-ugly`` for H.264); used by tests as :class:`RtspProcess`.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

SYSTEM_PYTHON = Path("/usr/bin/python3")
ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 "
    "! rtph264pay name=pay0 pt=96 config-interval=1",
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}


def serve(port: str, size: str, codec: str) -> None:
    """Serve a moving picture until killed; says ``ready`` once it can be asked."""
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    width, height = size.split("x")
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    factory.set_launch(
        f"( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width={width},"
        f"height={height},framerate=20/1 ! {ENCODERS[codec]} )"
    )
    server.get_mount_points().add_factory("/cam", factory)
    if not server.attach(None):
        raise SystemExit("the port is taken")
    print("ready", flush=True)
    GLib.MainLoop().run()


@lru_cache
def why_not() -> str | None:
    """Why no such server can be started here; None if one can."""
    if not SYSTEM_PYTHON.exists():
        return "needs Debian's Python"
    asked = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0');"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
        "names = ('videotestsrc', 'x264enc', 'rtph264pay', 'jpegenc', 'rtpjpegpay');"
        "assert all(map(Gst.ElementFactory.find, names))"
    )
    done = subprocess.run(
        [SYSTEM_PYTHON, "-c", asked], capture_output=True, timeout=120, check=False
    )
    packages = "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"
    return None if done.returncode == 0 else f"needs python3-gi {packages}"


class RtspProcess:
    """A camera at one address that is switched on and off; killed at the end of the block."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"rtsp://127.0.0.1:{self.port}/cam"
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> RtspProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, size: str, codec: str = "h264") -> None:
        """Switch it on, with pictures of this size."""
        from tests.support.processes import killed_if_late

        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, __file__, str(self.port), size, codec],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        with killed_if_late(self._process, 60):
            assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        """Switch it off without a word."""
        from tests.support.processes import end_process

        if self._process is not None:
            end_process(self._process)
            self._process = None

    def pause(self) -> None:
        """Stop it where it stands; its connections stay."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    serve(*sys.argv[1:])
