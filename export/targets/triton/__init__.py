"""NVIDIA Triton model repositories, for users who outgrow one device."""

from __future__ import annotations

from export.targets.triton.repository import check_repository, write_repository

__all__ = ["check_repository", "write_repository"]
