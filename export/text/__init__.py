"""The text side of a bundle: encoder, tokenizer, vocabulary."""
