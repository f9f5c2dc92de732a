"""Zones in a picture, and rules that tell when there is something in them."""
