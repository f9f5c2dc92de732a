"""NVIDIA Triton model repositories, for users who outgrow one device."""

from __future__ import annotations

from export.triton.repository import write_repository

__all__ = ["write_repository"]
