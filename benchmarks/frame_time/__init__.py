"""``python -m benchmarks.frame_time``: where a frame's time goes, as a table and a picture.

The graph is run whole, cut off behind its encoder, and cut off behind its decoder, in turn on the
same frames; the differences are its parts. An engine's own profiler would see each node, but on the
clock: on a machine that other programs share, long nodes are interrupted and short ones are not,
which moves time from one part to another. Cut graphs have processor times, which hardly change,
and every engine runs them. What a cut costs: what the engine would have fused across it.

``parts`` finds the cuts; ``subject`` is a bundle with its cut graphs, ``rounds`` runs them in turn,
``measurement`` makes the record, ``text`` prints it and ``picture`` draws it.
"""
