"""Colors for labels: told apart by eye, also a color-blind one, the same for a label in every run.

The list was computed once. The first is the orange of Okabe and Ito; with it, seven more of strong
chroma are as far apart as a search found. Each later one is the color farthest from all before it,
and clearly from the last ones. The distance is the least CIEDE2000 over normal sight, protanopia,
deuteranopia and tritanopia (simulated after Machado, Oliveira and Fernandes, 2009). Every pair of
the first eight is at least 19 apart, of the first sixteen 10, and neighbors at least 5 to the end;
``tests/runtime/draw/test_palette.py`` measures it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# RGB of labels 0 to 254.
_COLORS = """
    e69f00 872d4b a5ffd2 a55aff d2001e d2b4ff 691eb4 00a587 fff078 696996 f04b69 ffc3e1 9687b4
    a5c396 2d783c 960ff0 a596ff b40069 c38700 2dc3b4 ffd200 698769 960000 c3f0a5 008787 96a5d2
    b4b469 0f5a69 a55ac3 d296a5 d22d4b 78ffff 3c00e1 69690f 96e1b4 d2d269 870f87 a56987 9687d2
    693c2d e17887 d20fa5 f01e3c ffa5c3 964b5a c3d287 2de1d2 b487a5 a578ff 699669 d2d2ff 784b87
    96a54b 96c3a5 965a78 a5c34b ff4ba5 1e692d b4a578 c3b4e1 5a9696 4b5ac3 693c5a b44b5a a52dff
    96874b 1e5a0f c3003c 5aff4b a5a5f0 2d78b4 874b78 b46900 69a5b4 f0783c 4b3cd2 963c4b f0e187
    004b87 2d69a5 1e9678 87b496 c34be1 784b5a 87f0d2 96785a 3c5a3c d2c300 3c7878 b4c387 e187c3
    693ca5 a50f1e 78872d f08796 a5e1a5 b47896 a55a69 875a87 c31ee1 960f69 e169e1 00b487 c3c369
    1ed2c3 e16978 c30000 69a51e 2d78d2 a5e1f0 ff2d5a 96005a 96d2b4 5ab4c3 5aa578 78784b b4f0b4
    9678c3 873c78 5a785a ff78b4 0000ff f0b4d2 a587f0 a54b69 b4f0e1 960f3c a5b44b 00d2ff 695a96
    c32d2d e1a5b4 ff78e1 b4d24b a5b487 b487c3 d27896 a5d2a5 8769a5 a52d2d 00f0e1 c36978 b49669
    965a4b 782d78 d2a5d2 78f01e 966996 4b87b4 c33c78 96fff0 b4e1c3 ff963c 96ff96 960f96 4b4bc3
    e1b4f0 a578a5 78965a a5f0f0 d23cb4 b4d296 69c300 b4ffc3 a55a87 963c69 d2690f 005a4b 5a5a1e
    87c378 c3e196 c30f96 e15a96 5a5aff 78b4e1 69b45a 873c4b 695ad2 69f078 f096c3 a55a3c 96963c
    f0a578 d23c69 e1a5f0 d2965a a58769 b4ff69 a5f0c3 9678d2 c35a4b 4b2dc3 ff96a5 4b78ff d28778
    967896 5a4bd2 a5e1d2 d2ff0f d24b2d a5f069 78b4ff e10f87 5ad25a f00f00 780fe1 87782d 780f96
    4b3cff 698700 d25ac3 c38787 871e4b e14b87 a50000 0f873c 1e5a96 c35a78 a51eb4 96002d e18787
    9696d2 87d2c3 c3785a d25ae1 695a2d b42d2d 3ca53c f000a5 f05ab4 5aa596 c3ff87 b4b43c 8778f0
    f087f0 965a1e 87873c b43cb4 2d3ca5 3c2dd2 e1874b 69e15a 5aa5e1 b40000 b4d278 b40f3c ffb4c3
    c37887 965ad2 78b4a5 b4e14b 5a4bb4 691ea5 a5d22d 69c369
"""

__all__ = ["palette"]


@lru_cache(maxsize=8)
def palette(count: int = 255) -> np.ndarray:
    """Colors uint8 (count, 3) in BGR, read-only; row = label. ``count`` is 255 at most.

    >>> palette(2).tolist()
    [[0, 159, 230], [75, 45, 135]]
    """
    import numpy as np

    levels = bytes.fromhex(_COLORS)
    table = np.frombuffer(levels, np.uint8).reshape(-1, 3)[:count, ::-1].copy()
    table.setflags(write=False)
    return table
