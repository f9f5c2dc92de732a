"""A checkpoint in, a bundle out: ONNX graphs, tokenizer, vocabulary cache, manifest.

``python -m export --help`` is the way in; the modules are importable on their own.
"""

from __future__ import annotations
