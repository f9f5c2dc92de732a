"""The ONNX graph of a model: traced by PyTorch, rewritten, its stages named and its cost counted.

- :mod:`.tracing`: an eager module becomes an ONNX graph (the only call of ``torch.onnx.export``);
- :mod:`.rewrites`: one rewrite a file, each keeps what the graph computes;
- :mod:`.segmenter`: both for the inference graph;
- :mod:`.stages`, :mod:`.staged_graph`: which stage of the model each node belongs to;
- :mod:`.cost`: nodes, bytes of weights and FLOPs of each stage;
- :mod:`.intermediate_outputs`: a copy of the graph that shows the encoder's patch embeddings too;
- :mod:`.opset`: the operator sets that an export may use.
"""
