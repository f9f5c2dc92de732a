"""The text side of the runtime: from typed class names to the text queries that the graph takes.

``classes`` parses what a user types, ``background`` chooses the words that compete with it,
``embedder`` turns names into embeddings (looked up, or encoded on the device by ``encoder``),
``queries`` puts both together, ``prompting`` is the arithmetic between prompts and an embedding,
and ``tokenizer`` is CLIP's, identical to open_clip's. numpy, no torch.
"""

from __future__ import annotations
