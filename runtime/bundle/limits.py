"""What a bundle may ask for at most: far more than any model needs, and little enough to be held.

docs/bundle.md states them. Everything over one of them is refused before it costs anything.
"""

from __future__ import annotations

MANIFEST_BYTES = 32 << 20
TOKENIZER_BYTES = 64 << 20
VOCABULARY_BYTES = 4 << 30
VOCABULARY_HEADER_BYTES = 64 << 20
#: A graph's file: protobuf itself ends there. Weights beside it may be larger.
GRAPH_BYTES = 2 << 30
FILES = 1000
#: Lists and objects of JSON in each other.
JSON_DEPTH = 64
#: Digits of a whole number in JSON: 64 bits have twenty.
JSON_DIGITS = 20
EMBEDDING_WIDTH = 1 << 14
UNITS = 1 << 16
#: Of the frame that a graph takes, and of its grid of scores.
PIXELS = 1 << 26
PROMPTS = 1000
#: How far absent words may step back; more would leave one word a picture.
PRESENCE = 10.0
CONTEXT_LENGTH = 8192
#: A token that begins, one of the text, one that ends.
SHORTEST_CONTEXT = 3
#: Nodes of a graph: engines walk and free long chains by recursion.
NODES = 20_000
#: Version of an operator set; ONNX has some twenty-five.
OPSET = 64
#: Axes of a tensor.
AXES = 8
#: Elements of a tensor whose shape a graph names in numbers.
ELEMENTS = 1 << 30
