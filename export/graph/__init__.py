"""The ONNX graph: traced, rewritten, its stages and its cost told."""
