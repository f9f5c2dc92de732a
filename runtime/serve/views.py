"""How a frame can be looked at, and the picture of it that a viewer gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from runtime.segment.result import Result
    from runtime.sinks.base import SegmentedFrame

KINDS = ("overlay", "masks", "units", "similarity", "picture")
#: Widths that are sent; so few that viewers share them.
WIDTHS = (320, 480, 640, 960)
#: What may be asked for; more than the widest gets the widest.
WIDEST = 100_000
JPEG_QUALITY = 80
_BORDER_BGR = (255, 255, 255)

__all__ = ["KINDS", "WIDEST", "WIDTHS", "View", "draw_view", "encode_jpeg", "fitting_width"]


@dataclass(frozen=True)
class View:
    """One way to look at a stream.

    Attributes:
        kind: of :data:`KINDS`: the masks over the picture; the masks alone; the adaptive units;
            how near each place is to one word; the picture as it is.
        width: pixels across at most; smaller frames are not enlarged.
        word: the word of ``similarity``, empty for others.
    """

    kind: str = "overlay"
    width: int = 640
    word: str = ""


def fitting_width(wanted: int) -> int:
    """The smallest of :data:`WIDTHS` that is no narrower than wanted, else the largest."""
    return next((width for width in WIDTHS if width >= wanted), WIDTHS[-1])


def draw_view(item: SegmentedFrame, view: View) -> np.ndarray:
    """The picture of a view: uint8 (h, w, 3) BGR, its pixels square."""
    size_wh = _shown_size_wh(item, view.width)
    picture = _resized(item.frame.image_bgr, size_wh)
    if view.kind == "picture":
        return picture
    if view.kind == "units":
        return _draw_units(item, picture)
    if view.kind == "similarity":
        return _draw_similarity(item, picture, view.word)
    return _draw_masks(item, picture, item.style.opacity if view.kind == "overlay" else 1.0)


def encode_jpeg(picture_bgr: np.ndarray) -> bytes:
    """A JPEG of a picture with at least one pixel."""
    import cv2

    done, data = cv2.imencode(".jpg", picture_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert done
    return data.tobytes()


def _shown_size_wh(item: SegmentedFrame, most_wide: int) -> tuple[int, int]:
    width, height = item.frame.size_wh
    wide = width * float(item.frame.pixel_aspect)
    scale = min(1.0, most_wide / wide)
    return max(1, round(wide * scale)), max(1, round(height * scale))


def _resized(image: np.ndarray, size_wh: tuple[int, int], nearest: bool = False) -> np.ndarray:
    import cv2

    if (image.shape[1], image.shape[0]) == size_wh:
        return image
    way = cv2.INTER_NEAREST if nearest else cv2.INTER_AREA
    return cv2.resize(image, size_wh, interpolation=way)


def _draw_masks(item: SegmentedFrame, picture: np.ndarray, opacity: float) -> np.ndarray:
    import numpy as np

    from runtime.draw.overlay import draw_labels

    size_wh = (picture.shape[1], picture.shape[0])
    labels = _resized(item.result.labels, size_wh, nearest=True)
    ground = picture if opacity < 1.0 else np.zeros_like(picture)
    colors_bgr = item.style.colors_bgr(item.result.class_names)
    return draw_labels(ground, labels, opacity, colors_bgr)


def _draw_units(item: SegmentedFrame, picture: np.ndarray) -> np.ndarray:
    """Each unit in its mean color, with a line around it."""
    import cv2
    import numpy as np

    units = item.result.units
    if units is None:
        return picture
    grid_wh = (units.shape[1], units.shape[0])
    small = cv2.resize(picture, grid_wh, interpolation=cv2.INTER_AREA).reshape(-1, 3)
    _, place = np.unique(units.ravel(), return_inverse=True)
    place = place.ravel()
    count = np.bincount(place)
    means = [np.bincount(place, weights=small[:, channel]) / count for channel in range(3)]
    mean = np.stack(means, axis=1).astype(np.uint8)
    size_wh = (picture.shape[1], picture.shape[0])
    drawn = _resized(mean[place].reshape(*units.shape, 3), size_wh, nearest=True)
    large = _resized(place.reshape(units.shape).astype(np.int32), size_wh, nearest=True)
    border = np.zeros(large.shape, bool)
    border[:, 1:] |= large[:, 1:] != large[:, :-1]
    border[1:] |= large[1:] != large[:-1]
    drawn[border] = drawn[border] // 3 * 2 + np.array(_BORDER_BGR, np.uint8) // 3
    return drawn


def _draw_similarity(item: SegmentedFrame, picture: np.ndarray, word: str) -> np.ndarray:
    """How likely a word is at each place, as heat over the grey picture, which it leaves dark.

    A word that is no longer asked for leaves the grey picture.
    """
    import cv2
    import numpy as np

    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if word not in item.result.words:
        return grey
    heat = (255 * _likeness(item.result, item.result.words.index(word))).astype(np.uint8)
    size_wh = (picture.shape[1], picture.shape[0])
    large = cv2.resize(heat, size_wh, interpolation=cv2.INTER_LINEAR)
    colored = cv2.applyColorMap(large, cv2.COLORMAP_INFERNO)
    return cv2.addWeighted(grey, 0.35, colored, 0.75, 0.0)


def _likeness(result: Result, row: int) -> np.ndarray:
    """Of one word, in [0, 1], float32 (h', w'): its probability among all words.

    Of very many words, whose scores are not there as a whole, its cosine between its extremes.
    """
    import numpy as np

    from runtime.segment.labelling import probabilities

    scores = result.grid_scores
    if not isinstance(scores, np.ndarray):
        own = np.asarray(scores[row : row + 1, :])[0]
        return (own - own.min()) / max(float(np.ptp(own)), 1e-6)
    chances: np.ndarray = probabilities(scores, result.logit_scale)[row]
    return chances
