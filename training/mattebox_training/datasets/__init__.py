"""
The datasets of the paper in the layouts they are handed out in, and plain folders for one's own.

Every dataset answers numbered items; an item is a run of frames. What happens to the frames is not its business.
"""

from .dataset import Backgrounds, Foregrounds, Segmentations
from .kinds import KINDS, Kind, open_dataset

__all__ = ["KINDS", "Backgrounds", "Foregrounds", "Kind", "Segmentations", "open_dataset"]
