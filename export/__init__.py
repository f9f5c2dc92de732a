"""A checkpoint in, a bundle out: ONNX graphs, tokenizer, vocabulary cache, manifest.

``python -m export --help`` is the way in. Each part imports only what stands before it:

``progress``, ``even_spacing``; ``graph``; ``precision``; ``parity``, ``text`` and ``targets``;
``settings`` (what the user asks for); ``source`` (the model); ``output``; ``candidates`` (a variant
built, measured and judged); ``job`` (one export from beginning to end); ``cli``.
"""

try:
    from runtime.shadowing import refuse_shadowed
except ImportError as error:
    raise ImportError(
        "another 'runtime' hides this program's own package: run from a folder that holds none, "
        "rename it, or set PYTHONSAFEPATH=1 (Python 3.11 and newer)"
    ) from error

refuse_shadowed(__file__, ("training",))
