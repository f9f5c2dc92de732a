"""What is scored: a file for each data set, found by :mod:`benchmarks.datasets.registry`."""
