"""The paper's training: matting in four stages, with segmentation after every step (paper section 3)."""
