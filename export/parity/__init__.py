"""Proof that an exported graph says what PyTorch says."""
