"""What every training run needs: a folder, checkpoints, curves, averaged weights."""
