"""A few of many, evenly spread: which frames and which names a comparison looks at."""

from __future__ import annotations

import numpy as np


def evenly_spaced(total: int, count: int) -> list[int]:
    """Return up to ``count`` distinct indices from 0 to total - 1, evenly spaced, in order.

    >>> evenly_spaced(10, 3)
    [0, 4, 9]
    """
    if count >= total:
        return list(range(total))
    return [int(position) for position in np.linspace(0, total - 1, max(count, 1))]
