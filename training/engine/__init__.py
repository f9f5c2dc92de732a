"""What runs a training: loop, checkpoints, processes, precision, evaluation."""
