"""ONNX Runtime on the CPU, on CUDA, and through its TensorRT provider."""
