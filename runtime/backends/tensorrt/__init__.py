"""TensorRT: engines built on this GPU, kept in a cache, run with memory of their own."""
