"""From a frame to labels: the model, the words that stand, the scores, the result."""
