"""Latency and accuracy of a bundle: commands that print tables and write JSON, without torch."""
