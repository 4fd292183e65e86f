"""mattebox's training: the paper's procedure, and the distillation that makes the default model."""
