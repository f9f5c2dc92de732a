"""What the world is made of, one kind of thing per file."""
