"""``python -m benchmarks.photos``: a bundle's labels on photographs with masks of things."""
