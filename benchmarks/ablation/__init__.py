"""What each grain and each prediction unit is worth: ``python -m benchmarks.ablation``.

Every row trains a decoder on the same frozen CLIP with the same seeds, scenes and steps, one thing
changed; every row is scored with pixels, fixed groups and adaptive units, each tuned alike.
"""
