"""From a frame to labels.

``model`` is what streams share: a loaded bundle, its backend, its text embedder. ``segmenter`` is
one stream's words, threshold and state on it; a frame goes through preprocess, infer and
postprocess (``labelling``, ``result``), and ``seams`` are where motion gate and smoothing step in.
"""
