"""What a rule compares: the share of a class in a zone, or the number of its objects there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.objects.tracker import TrackedObject
    from runtime.rules.rule import Rule
    from runtime.rules.zone import Zone
    from runtime.sinks.base import SegmentedFrame

__all__ = ["find_zone", "measure", "objects_within"]


def find_zone(rule: Rule, zones: Sequence[Zone]) -> Zone | None:
    """The zone that a rule names; None if there is none of that name, or it names none."""
    return next((one for one in zones if one.name == rule.zone), None)


def measure(rule: Rule, item: SegmentedFrame, zone: Zone | None) -> float:
    """The number of objects, or the share in [0, 1], that a rule compares in one frame."""
    if rule.is_share:
        return _share(rule.class_name, item, zone)
    return float(len(objects_within(rule.class_name, item, zone)))


def objects_within(class_name: str, item: SegmentedFrame, zone: Zone | None) -> list[TrackedObject]:
    """The objects of a class whose foot, the middle of their box's lower edge, is in the zone."""
    objects = [one for one in item.objects if one.thing.class_name == class_name]
    if zone is None:
        return objects
    mask = zone.mask(item.frame.size_wh)
    feet = [_foot(one) for one in objects]
    return [one for one, (x, y) in zip(objects, feet, strict=True) if mask[y, x]]


def _foot(one: TrackedObject) -> tuple[int, int]:
    left, top, width, height = one.thing.box_xywh
    return left + width // 2, top + height - 1


def _share(class_name: str, item: SegmentedFrame, zone: Zone | None) -> float:
    result = item.result
    if zone is None:
        return result.areas[class_name]
    import cv2
    import numpy as np

    label = result.class_names.index(class_name)
    mask = zone.mask(item.frame.size_wh)
    found = (result.labels == label).view(np.uint8)
    return cv2.countNonZero(cv2.bitwise_and(found, mask)) / cv2.countNonZero(mask)
