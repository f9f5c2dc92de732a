"""ROS 2: each frame's labels as an image, and once what their values mean."""

from __future__ import annotations

import array
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.errors import MgcaError, UserError, describe_error
from runtime.options import option
from runtime.sinks.base import RunFacts, SegmentedFrame, Sink
from runtime.sinks.registry import register

if TYPE_CHECKING:
    import numpy as np

    from runtime.sinks.claims import Claims
    from runtime.sources.frame import Source
    from runtime.stream.stream import Stream

FLAG = "--ros2"
_TOPIC = re.compile(r"/?[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*", re.ASCII)

__all__ = ["Ros2Publisher", "fill_image", "fill_label_info"]


@register
class Ros2Publisher(Sink):
    """Publishes ``TOPIC/<stream>/labels`` and, for whoever joins, ``TOPIC/<stream>/label_info``."""

    key = "ros2"
    place = 38
    queue_frames = 1  # only the newest counts

    @dataclass(frozen=True)
    class Options:
        """The topic."""

        ros2: str | None = option(
            "the labels as ROS 2 messages (sensor_msgs/Image, vision_msgs/LabelInfo): --ros2 /mgca",
            metavar="TOPIC",
        )

    def __init__(self, topic: str) -> None:
        self.topic = topic.rstrip("/")
        self.written = 0
        self._stream_name = ""
        self._stream: Stream | None = None
        self._context: Any = None
        self._node: Any = None
        self._images: Any = None
        self._infos: Any = None
        self._told: tuple[str, ...] | None = None

    @classmethod
    def from_options(cls, options: Options) -> Ros2Publisher | None:
        """One for ``--ros2``; ``UserError`` for what is no topic."""
        if options.ros2 is None:
            return None
        if not _TOPIC.fullmatch(options.ros2.rstrip("/")):
            raise UserError(
                f"{FLAG} {options.ros2!r} is no name of a topic; expected one such as /mgca "
                "(letters, digits and _ between slashes)"
            )
        return cls(options.ros2)

    def check(self, claims: Claims) -> None:
        """Raise ``UserError`` where ROS 2's packages are missing."""
        try:
            import rclpy  # noqa: F401
            from sensor_msgs.msg import Image  # noqa: F401
            from vision_msgs.msg import LabelInfo, VisionClass  # noqa: F401
        except ImportError as error:
            raise UserError(
                f"{FLAG} needs ROS 2 ({describe_error(error)}); source its setup.bash before, with "
                "the package ros-$ROS_DISTRO-vision-msgs installed"
            ) from None

    def prepare(self, facts: RunFacts) -> None:
        """Take over the stream's name."""
        self._stream_name = facts.stream

    def attach(self, stream: Stream) -> None:
        """Take over whose threshold is told."""
        self._stream = stream

    def begin(self, source: Source) -> None:
        """Join ROS 2's graph, without touching the process's signal handlers."""
        import rclpy
        from rclpy.qos import DurabilityPolicy, QoSProfile
        from rclpy.signals import SignalHandlerOptions
        from sensor_msgs.msg import Image
        from vision_msgs.msg import LabelInfo

        part = _to_token(self._stream_name)
        base = f"{self.topic}/{part}" if part else self.topic
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node(
            "_".join(filter(None, ("mgca_rt", part))), context=self._context
        )
        self._images = self._node.create_publisher(Image, f"{base}/labels", 5)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._infos = self._node.create_publisher(LabelInfo, f"{base}/label_info", latched)

    def write(self, item: SegmentedFrame) -> None:
        """Publish one frame's labels, after what they mean where that is new."""
        from sensor_msgs.msg import Image
        from vision_msgs.msg import LabelInfo, VisionClass

        age_s = time.perf_counter() - item.frame.captured_at
        stamp_ns = time.time_ns() - round(age_s * 1e9)
        names = item.result.class_names
        try:
            if names != self._told:
                threshold = 0.0 if self._stream is None else self._stream.segmenter.threshold
                info = LabelInfo()
                fill_label_info(info, VisionClass, names, threshold)
                fill_header(info.header, stamp_ns, self._stream_name)
                self._infos.publish(info)
                self._told = names
            image = Image()
            fill_image(image, item.result.labels)
            fill_header(image.header, stamp_ns, self._stream_name)
            self._images.publish(image)
        except Exception as error:  # of a library's own kinds, which differ between its versions
            raise MgcaError(f"{FLAG}: {describe_error(error)}") from error
        self.written += 1

    def close(self) -> None:
        """Leave ROS 2's graph."""
        node, self._node = self._node, None
        context, self._context = self._context, None
        if node is not None:
            node.destroy_node()
        if context is not None:
            context.try_shutdown()

    def record(self) -> dict[str, Any] | None:
        """The topic and the number of messages."""
        return {"topic": self.topic, "messages": self.written} if self.written else None

    def summary(self) -> tuple[str, str] | None:
        """The topic and the number of messages."""
        return ("ros2", f"{self.topic} ({self.written} messages)") if self.written else None


def fill_header(header: Any, stamp_ns: int, frame_id: str) -> None:
    """Fill a ``std_msgs/Header``: nanoseconds since 1970, and whose picture it is."""
    header.stamp.sec, header.stamp.nanosec = divmod(stamp_ns, 10**9)
    header.frame_id = frame_id


def fill_image(message: Any, labels_hw: np.ndarray) -> None:
    """Fill a ``sensor_msgs/Image`` (mono8) with labels, uint8 (H, W)."""
    message.height, message.width = (int(side) for side in labels_hw.shape)
    message.encoding = "mono8"
    message.is_bigendian = 0
    message.step = message.width
    # The one type that rclpy takes without looking at each byte.
    message.data = array.array("B", labels_hw.tobytes())


def fill_label_info(
    message: Any, vision_class: Any, names: Sequence[str], threshold: float
) -> None:
    """Fill a ``vision_msgs/LabelInfo``; 255, which is none, is its ``UNLABELED``.

    Args:
        message: the message.
        vision_class: the type ``vision_msgs/VisionClass``.
        names: the classes in label order.
        threshold: least probability of a pixel's class, in [0, 1].
    """
    entries = []
    for number, name in [*enumerate(names), (255, "UNLABELED")]:
        entry = vision_class()
        entry.class_id, entry.class_name = number, name
        entries.append(entry)
    message.class_map = entries
    message.threshold = float(threshold)


def _to_token(name: str) -> str:
    """A stream's name as a part of a topic's."""
    token = re.sub(r"\W+", "_", name, flags=re.ASCII)
    return f"s{token}" if token[:1].isdigit() else token
