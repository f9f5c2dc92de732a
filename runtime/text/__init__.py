"""The text side of the runtime: from typed class names to the rows that the graph takes.

``classes`` parses what a user types, ``lexicon`` turns names into embeddings (looked up, or
encoded on the device), ``prompting`` is the arithmetic between prompts and an embedding, and
``tokenizer`` is CLIP's, identical to open_clip's. numpy, no torch.
"""

from __future__ import annotations
