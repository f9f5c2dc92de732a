"""Pictures of what a model sees, drawn with OpenCV alone; ``python -m benchmarks.figures``."""
