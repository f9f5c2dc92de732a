"""Latency and accuracy of a bundle: commands that print tables and write JSON, without torch."""

try:
    from runtime.shadowing import refuse_shadowed
except ImportError as error:
    raise ImportError(
        "another 'runtime' hides this program's own package: run from a folder that holds none, "
        "rename it, or set PYTHONSAFEPATH=1 (Python 3.11 and newer)"
    ) from error

refuse_shadowed(__file__, ("training", "export"))
