"""Things in the labels: connected things of a class, and which of them is which over time."""
