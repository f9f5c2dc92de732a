"""ONNX Runtime: on the CPU, on CUDA, and through its own TensorRT provider.

``backend`` runs a graph in one session; on a GPU its tensors stay there (``binding``).
``tensorrt_provider`` opens the session that TensorRT 10 compiles, and keeps its engines by key.
"""
