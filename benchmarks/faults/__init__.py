"""Runs that are ended at any moment or meet a full disk, and what must stand after them."""
