"""Frames on their way from a source to the outputs: reading, segmenting and writing overlap."""
