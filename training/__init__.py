"""MGCA training: image-text pairs in, a checkpoint out."""
