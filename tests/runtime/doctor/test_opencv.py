"""What the report says of GStreamer: either of two packages plays a pipeline."""

from __future__ import annotations

import pytest

from runtime.doctor.opencv import _gstreamer


@pytest.mark.parametrize(
    ("in_opencv", "pygobject", "how"),
    [(True, False, "OpenCV"), (False, True, "PyGObject"), (True, True, "OpenCV and PyGObject")],
)
def test_either_plays_pipelines(in_opencv: bool, pygobject: bool, how: str) -> None:
    found = _gstreamer(in_opencv, pygobject)
    assert (found.state, found.remedy) == ("ok", None)
    assert found.detail == f"--gstreamer plays pipelines with {how}"


def test_without_both_the_remedy_is_debians() -> None:
    found = _gstreamer(False, False)
    assert found.state == "missing" and "apt-get install python3-gi" in str(found.remedy)
