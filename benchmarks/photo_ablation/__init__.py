"""``python -m benchmarks.photo_ablation``: what each grain, and each further pair, is worth."""
