"""``python -m benchmarks.growth``: how time and memory grow with what a user has more of."""
