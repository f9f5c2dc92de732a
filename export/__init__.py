"""A checkpoint in, a bundle out: ONNX graphs, tokenizer, vocabulary cache, manifest.

``python -m export --help`` is the way in. Each part imports only what stands before it:

``progress``, ``even_spacing``; ``graph``; ``precision``; ``parity``, ``text`` and ``targets``;
``settings`` (what the user asks for); ``source`` (the model); ``output``; ``candidates`` (a variant
built, measured and judged); ``job`` (one export from beginning to end); ``cli``.
"""

from importlib.util import find_spec
from pathlib import Path

# A folder of the user's that bears the name of a package which is needed here, and is found first.
for _name in ("runtime", "training"):
    _found = getattr(find_spec(_name), "origin", None)
    if Path(_found or "/").resolve().parent.parent != Path(__file__).resolve().parent.parent:
        raise ImportError(
            f"{_found} hides this program's own package {_name!r}: run from another folder, "
            "rename it, or set PYTHONSAFEPATH=1 (Python 3.11 and newer)"
        )
