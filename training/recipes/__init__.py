"""Named training runs, as data: each states its command, hardware, time and expected score."""
