"""The place that a bundle is written to, and its manifest.

- :mod:`.folder`: may it be written there, and where unfinished work lies;
- :mod:`.disk_space`, :mod:`.weight_sizes`: does it fit;
- :mod:`.manifests`: what the bundle says of itself.
"""
