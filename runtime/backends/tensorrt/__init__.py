"""TensorRT itself: engines built on this GPU, kept in a cache, run with memory of their own.

``library`` finds the binding and the GPU; ``engine`` takes a bundle's engine out of ``cache``, or
has ``builder`` make it (``settings``, ``timing``, ``progress``) and ``precision`` prove what it
computes in; ``rebuild`` replaces a stale one in the background; ``backend`` runs it, in its
``arena`` of memory.
"""
