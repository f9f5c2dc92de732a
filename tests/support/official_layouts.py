"""Miniatures of public data sets in the layouts that their archives unpack to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from tests.support.photo_folder import write_palette_png

SIZE_HW = (12, 16)


def write_picture(path: Path) -> None:
    """A picture of noise, JPEG or PNG as its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(path.name)).integers(0, 255, (*SIZE_HW, 3), np.uint8)
    cv2.imwrite(str(path), noise)


def write_label(path: Path, values: list[int], *, palette: bool = False) -> None:
    """A label image whose columns run through ``values``, in greyscale or with a palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels_hw = np.resize(np.array(values, np.uint8), SIZE_HW)
    labels_hw[:] = np.resize(np.array(values, np.uint8), SIZE_HW[1])
    if palette:
        write_palette_png(path, labels_hw)
    else:
        cv2.imwrite(str(path), labels_hw)


def write_voc(root: Path, labels: Mapping[str, list[int]]) -> Path:
    """VOCdevkit/VOC2012 with these pictures, and one that the list does not name."""
    place = root / "VOCdevkit" / "VOC2012"
    for name, values in {**labels, "of_train": [1]}.items():
        write_picture(place / "JPEGImages" / f"{name}.jpg")
        write_label(place / "SegmentationClass" / f"{name}.png", values, palette=True)
    listed = place / "ImageSets" / "Segmentation" / "val.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("\n".join(labels) + "\n")
    return root


def write_context(root: Path, labels: Mapping[str, list[int]]) -> Path:
    """VOCdevkit/VOC2010 as mmsegmentation's converter leaves it."""
    place = root / "VOCdevkit" / "VOC2010"
    for name, values in labels.items():
        write_picture(place / "JPEGImages" / f"{name}.jpg")
        write_label(place / "SegmentationClassContext" / f"{name}.png", values, palette=True)
    listed = place / "ImageSets" / "SegmentationContext" / "val.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("\n".join(labels) + "\n")
    return root


def write_coco(root: Path, labels: Mapping[str, list[int]], maps: str = "annotations") -> Path:
    """COCO's val2017 with raw label images of COCO-Stuff."""
    for name, values in labels.items():
        write_picture(root / "images" / "val2017" / f"{name}.jpg")
        write_label(root / maps / "val2017" / f"{name}.png", values)
    return root


def write_cityscapes(root: Path, labels: Mapping[str, list[int]], kind: str = "labelIds") -> Path:
    """Cityscapes' val with label images of a kind, and instance images that are none."""
    for name, values in labels.items():
        city = name.split("_")[0]
        write_picture(root / "leftImg8bit" / "val" / city / f"{name}_leftImg8bit.png")
        write_label(root / "gtFine" / "val" / city / f"{name}_gtFine_{kind}.png", values)
        write_label(root / "gtFine" / "val" / city / f"{name}_gtFine_instanceIds.png", [3])
    return root


def write_ade20k(root: Path, labels: Mapping[str, list[int]]) -> Path:
    """ADEChallengeData2016's validation."""
    place = root / "ADEChallengeData2016"
    for name, values in labels.items():
        write_picture(place / "images" / "validation" / f"{name}.jpg")
        write_label(place / "annotations" / "validation" / f"{name}.png", values)
    return root
