"""How fast training runs, and how near to the machine; ``python -m benchmarks.training_speed``."""
