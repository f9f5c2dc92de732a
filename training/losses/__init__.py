"""The training losses of DESIGN section 4, one idea a file, each a pure function of tensors.

Shape legend, used in all of them: b images, j captions, n pixels, d embedding width. ``owner_j``
(int64) says which image a caption belongs to; ``ignore_bj`` (bool) marks pairs that are neither
positive nor negative.
"""
