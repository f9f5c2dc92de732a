"""Proof that an exported graph says what PyTorch says.

- :mod:`.frames`: the frames to compare on;
- :mod:`.reference`, :mod:`.reference_encoder`, :mod:`.reference_units`: the model once more, eager
  and written for clearness;
- :mod:`.reference_run`: its answers on the frames;
- :mod:`.measure`, :mod:`.tally`, :mod:`.figures`: a graph, run by the runtime, against them;
- :mod:`.gate`: whether it is close enough, and what to do if not.
"""
