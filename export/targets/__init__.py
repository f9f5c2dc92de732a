"""What is made for devices once a bundle stands: TensorRT engines, Triton repositories."""
