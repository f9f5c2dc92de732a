"""The text side of a bundle: encoder, tokenizer, names with their embeddings.

- :mod:`.encoder`: CLIP's text tower written for tracing;
- :mod:`.tokenizer`: CLIP's merges as ``tokenizer.json``;
- :mod:`.vocabulary_file`: which names to store; :mod:`.vocabulary`: their exact embeddings;
- :mod:`.files`: the files of all these, and how close the encoder stays in each precision.
"""
