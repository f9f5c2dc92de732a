"""Turning and mirroring a picture as its display matrix asks: all eight orientations."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["read_display_matrix", "swaps_sides", "turn_upright"]

#: a, b, c, d of a display matrix: a point (x, y) of the stored picture is shown at
#: (a x + c y, b x + d y), with y downwards.
Matrix = tuple[int, int, int, int]


def read_display_matrix(frame: Any) -> Matrix | None:
    """The display matrix of a decoded PyAV frame, None where it has none that asks for anything.

    PyAV's ``frame.rotation`` is the same reduced to an angle: a mirror image looks like a half
    turn there.
    """
    from av.sidedata.sidedata import SideDataContainer

    try:
        # Not frame.side_data: the frame would keep that, and that keeps the frame, so that its
        # pixels stay until Python looks for cycles: after a hundred frames and more.
        data = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]  # its stub
    except ValueError:
        # PyAV (18.1) gives no side data at all of a frame with a kind that it does not know, such
        # as the EXIF that FFmpeg 8.1 takes out of JPEG and TIFF. The angle it reads all the same.
        return _matrix_of_angle(frame.rotation)
    if data is None:
        return None
    values = np.frombuffer(bytes(data), np.int32)
    if values.size < 9:
        return None
    a, b, c, d = (int(values[place]) for place in (0, 1, 3, 4))
    return (a, b, c, d) if a * d - b * c else None


def _matrix_of_angle(degrees: int) -> Matrix | None:
    """The matrix of a turn counterclockwise, None for none; whether it mirrors is not known."""
    turns: dict[int, Matrix] = {
        90: (0, -1, 1, 0),
        180: (-1, 0, 0, -1),
        270: (0, 1, -1, 0),
    }
    return turns.get(90 * round(degrees % 360 / 90))


def swaps_sides(matrix: Matrix | None) -> bool:
    """Whether width becomes height."""
    if matrix is None:
        return False
    a, b, c, d = matrix
    return abs(b) + abs(c) > abs(a) + abs(d)


def turn_upright(image: np.ndarray, matrix: Matrix | None) -> np.ndarray:
    """A picture (H, W) or (H, W, C) as a player shows it; angles go to the nearest quarter turn.

    >>> turn_upright(np.array([[1, 2]]), (-1, 0, 0, 1)).tolist()
    [[2, 1]]
    """
    if matrix is None:
        return image
    a, b, c, d = matrix
    if swaps_sides(matrix):
        image = image.swapaxes(0, 1)
        mirrored, upside_down = c < 0, b < 0
    else:
        mirrored, upside_down = a < 0, d < 0
    image = image[:, ::-1] if mirrored else image
    image = image[::-1] if upside_down else image
    return np.ascontiguousarray(image)
