"""Our own CLIP's pre-training on captions, for configurations that start from nothing."""
