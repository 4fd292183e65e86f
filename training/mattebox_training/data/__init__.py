"""Pictures and clips from disk, and what is done to them before the network sees them."""
