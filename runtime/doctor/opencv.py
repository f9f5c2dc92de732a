"""OpenCV: what it reads cameras and streams with, and whether a window can be opened."""

from __future__ import annotations

import os
import re
import sys
from importlib import util

from runtime.doctor.child import ask
from runtime.doctor.finding import Finding, broken, missing, ok
from runtime.doctor.requirement import install_line
from runtime.environment import installed_versions

NAME = "OpenCV"
_PACKAGE = "opencv-python"
_PACKAGES = (
    _PACKAGE,
    "opencv-contrib-python",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
)

__all__ = ["examine"]


def examine() -> list[Finding]:
    """The package, its video backends, and a window."""
    found = ask(NAME, look)
    if found[0].state != "ok":
        return found
    return [*found, *ask("window", try_window, found[0].values["gui"], limit_s=90)]


def look() -> list[Finding]:
    """The package and its video backends."""
    if util.find_spec("cv2") is None:
        return [missing(NAME, "not installed: nothing runs", install_line(_PACKAGE))]
    packages = installed_versions(_PACKAGES)
    try:
        import cv2

        version, built = str(cv2.__version__), read_build(cv2.getBuildInformation())
        here = {name: _has(getattr(cv2, f"CAP_{name}")) for name in ("FFMPEG", "GSTREAMER", "V4L2")}
    except Exception as error:  # a package that is there and broken raises what it likes
        package = next(iter(packages), _PACKAGE)
        reason = f"{type(error).__name__}: {error}"
        return [broken(NAME, reason, install_line(package, again=True), packages=packages)]
    gui = built.get("GUI", "NONE")
    package = " and ".join(packages) or "a build of your own"
    values = {"version": version, "packages": packages, "gui": gui}
    return [
        ok(NAME, f"{version} ({package})", **values),
        _video("FFmpeg", here["FFMPEG"], install_line(_PACKAGE, again=True)),
        _gstreamer(here["GSTREAMER"], util.find_spec("gi") is not None),
        _video("V4L2", here["V4L2"], None if sys.platform != "linux" else install_line(_PACKAGE)),
    ]


def read_build(text: str) -> dict[str, str]:
    r"""Values of OpenCV's build information by name, the first of a name.

    >>> read_build("  GUI:    QT5\n  Video I/O:\n    GStreamer:     NO\n")
    {'GUI': 'QT5', 'GStreamer': 'NO'}
    """
    found: dict[str, str] = {}
    for name, value in re.findall(r"^ *([\w+/ ]+?): +(\S.*)$", text, re.MULTILINE):
        found.setdefault(name, value.strip())
    return found


def try_window(gui: str) -> list[Finding]:
    """A window, opened for a moment in one more process."""
    if gui == "NONE":
        headless = " ".join(installed_versions([name for name in _PACKAGES if "headless" in name]))
        remedy = f"pip uninstall --yes {headless} && {install_line(_PACKAGE, again=True)}"
        reason = "this OpenCV is built without windows"
        return [missing("window", reason, remedy if headless else install_line(_PACKAGE))]
    named = [name for name in ("DISPLAY", "WAYLAND_DISPLAY") if os.environ.get(name)]
    if sys.platform == "linux" and not named:
        return [missing("window", "no screen: $DISPLAY is not set", None, gui=gui)]
    from runtime.window.process import can_open_window

    if can_open_window():
        return [ok("window", f"opens, with {gui}", gui=gui)]
    where = f" at ${named[0]}" if named else ""
    return [broken("window", f"{gui} opens none: no screen answers{where}", gui=gui)]


def _gstreamer(in_opencv: bool, pygobject: bool) -> Finding:
    """What plays a pipeline: an OpenCV of one's own build (PyPI's has none), or PyGObject."""
    if in_opencv or pygobject:
        how = " and ".join(["OpenCV"] * in_opencv + ["PyGObject"] * pygobject)
        return ok("GStreamer", f"--gstreamer plays pipelines with {how}")
    remedy = (
        "sudo apt-get install python3-gi gir1.2-gstreamer-1.0 gstreamer1.0-plugins-good, and an "
        "environment made with python3 -m venv --system-site-packages"
    )
    return missing("GStreamer", "not in this OpenCV, and there is no PyGObject", remedy)


def _has(number: int) -> bool:
    """Whether a video backend is built in, or a plugin of it loads."""
    import cv2

    return bool(cv2.videoio_registry.hasBackend(number))


def _video(name: str, here: bool, remedy: str | None) -> Finding:
    if here:
        return ok(name, "reads video with it")
    return missing(name, "not in this build", remedy)
