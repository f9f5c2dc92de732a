"""``python -m benchmarks.ablation.photographs``: what each grain, each further pair is worth."""
