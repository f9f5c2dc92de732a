"""MGCA's runtime: a bundle and a stream in, a mask for each class out. Never imports torch."""

from __future__ import annotations
