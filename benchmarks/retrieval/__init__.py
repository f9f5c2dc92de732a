"""``python -m benchmarks.retrieval``: captions find their photographs, and photographs captions."""
