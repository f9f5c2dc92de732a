"""MGCA training: image-text pairs in, a checkpoint out."""

try:
    import runtime.errors  # noqa: F401
except ImportError as error:
    raise ImportError(
        "another 'runtime' hides this program's own package: run from a folder that holds none, "
        "rename it, or set PYTHONSAFEPATH=1 (Python 3.11 and newer)"
    ) from error
