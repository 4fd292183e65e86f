"""The default model's training: towards a teacher's answers and activations, on pictures that nobody labelled."""
