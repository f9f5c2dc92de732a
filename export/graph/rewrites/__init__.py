"""Graph rewrites, one a file: each changes an ONNX model in place and returns whether it did.

The module's docstring gives the pre- and the postcondition. :data:`export.graph.segmenter.REWRITES`
is the order in which a fresh graph goes through them; ``convert_to_half`` belongs to a precision,
``round_like_half`` to its measuring.
What they share is no rewrite: :mod:`.graph_view` (look-ups and small edits) and
:mod:`.repetition` (steps until nothing changes).
"""
