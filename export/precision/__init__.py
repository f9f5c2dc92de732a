"""Precision as a property of the graph: fp32, fp16, int8."""
