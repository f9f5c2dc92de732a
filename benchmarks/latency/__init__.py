"""``python -m benchmarks.latency``: how long a bundle's frames take on this machine.

Nothing overlaps in the times of the stages, so that a stage's time is its own; ``mgca-rt`` overlaps
decoding, inference and writing, and ``--streams`` and ``--camera-fps`` run that very machinery.

``footage`` gives frames, ``contestant`` runs one of them; ``start`` opens the model,
``frame_times`` times it, ``live`` runs it as ``mgca-rt`` does. ``graph_file`` and ``matrix_rate``
say how much of the machine is used; ``encoder_cut``, ``eager`` and ``rivals`` hold other ways
against it. ``machine`` judges whether the figures can be relied on, ``gate`` whether they are worse
than earlier ones; ``trace`` and ``text`` are what is written beside the record.
"""
