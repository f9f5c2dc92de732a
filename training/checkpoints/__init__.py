"""Commands on checkpoints: interpolate two, deepen a tower, slim one for shipping."""
