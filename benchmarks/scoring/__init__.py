"""How predictions are held against the truth: IoU, boundaries, segments, controls, ceilings."""
