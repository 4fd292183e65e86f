"""The published implementation's losses, and distillation's own."""
