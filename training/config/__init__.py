"""Everything that decides a training run, as frozen dataclasses."""
