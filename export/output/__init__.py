"""The folder a bundle is written to: checks, room, manifest."""
