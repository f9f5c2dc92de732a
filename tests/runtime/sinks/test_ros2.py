"""ROS 2: what the messages hold, and what is said where there is no ROS."""

from __future__ import annotations

import array
import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from runtime.errors import UserError
from runtime.sinks.ros2 import Ros2Publisher, fill_header, fill_image, fill_label_info
from tests.support.processes import ENGINE, Run


def test_an_image_holds_the_labels_row_by_row() -> None:
    labels = np.array([[0, 1, 255], [2, 3, 4]], np.uint8)
    for given in (labels, np.asfortranarray(labels), np.pad(labels, 1)[1:-1, 1:-1]):
        message = SimpleNamespace()
        fill_image(message, given)
        assert (message.height, message.width, message.step) == (2, 3, 3)
        assert (message.encoding, message.is_bigendian) == ("mono8", 0)
        assert message.data == array.array("B", [0, 1, 255, 2, 3, 4])


def test_the_values_have_names() -> None:
    message = SimpleNamespace()
    fill_label_info(message, SimpleNamespace, ("person", "straße"), 0.5)
    assert [(one.class_id, one.class_name) for one in message.class_map] == [
        (0, "person"), (1, "straße"), (255, "UNLABELED"),
    ]  # fmt: skip
    assert message.threshold == 0.5


def test_the_stamp() -> None:
    header = SimpleNamespace(stamp=SimpleNamespace())
    fill_header(header, 1_800_000_000_000_000_007, "door")
    assert (header.stamp.sec, header.stamp.nanosec) == (1_800_000_000, 7)
    assert header.frame_id == "door"


@pytest.mark.parametrize("topic", ["", "/", "a b", "/1st", "a//b", "käse", "a-b", "~/a"])
def test_what_is_no_topic(topic: str) -> None:
    with pytest.raises(UserError, match="is no name of a topic"):
        Ros2Publisher.from_options(Ros2Publisher.Options(ros2=topic))


@pytest.mark.skipif(importlib.util.find_spec("rclpy") is not None, reason="ROS 2 is here")
def test_without_ros_it_is_said(run_here: Run, clip, color_bundle) -> None:
    typed = ("--video", clip, "--bundle", color_bundle, *ENGINE, "--classes", "car")
    done = run_here(*typed, "--ros2", "/mgca")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "--ros2 needs ROS 2 (" in done.stderr and "No module named 'rclpy'" in done.stderr
    assert "source its setup.bash" in done.stderr
