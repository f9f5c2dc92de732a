"""The model: frozen CLIP, its dense features, the trained decoder and the adaptive semantic
units.
"""
