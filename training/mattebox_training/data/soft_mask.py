"""A soft edge for masks that have a hard one."""

import cv2
import numpy as np


def soften(mask: np.ndarray, width: float) -> np.ndarray:
    """
    A mask's alpha: uint8 [H, W] → uint8. Steps (hair cut roughly, superpixels) are smoothed away over `width` pixels,
    then the edge falls from 255 to 0 over about as much; inside and outside stay what they are.
    """
    blurred = cv2.GaussianBlur(mask, (0, 0), max(width, 0.3)).astype(np.float32)
    # Twice as steep as the blur alone, and a little inwards: the outline's last pixel shows background.
    return np.clip((blurred - 127.5 - 16) * 1.8 + 127.5, 0, 255).round().astype(np.uint8)
