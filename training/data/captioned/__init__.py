"""Image-text pairs from a table of captions beside a folder of pictures.

The table is read by :mod:`table`, its pictures are drawn from, in numbered samples, by
:mod:`source`.
"""

from training.data.captioned.source import CaptionsSource
from training.data.captioned.table import CaptionTable, read_table

__all__ = ["CaptionTable", "CaptionsSource", "read_table"]
