/** Larger than any file of this network's weights: no more is taken, and no more written to the disk. */
export const MODEL_BYTES_MAX = 64 * 1024 * 1024
