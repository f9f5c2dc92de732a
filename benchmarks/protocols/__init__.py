"""Published protocols of open-vocabulary segmentation: everything they fix, to be run on a bundle.

There are two families, and figures of one cannot be held against those of the other.
"""
