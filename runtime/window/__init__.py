"""A window in a process of its own."""
