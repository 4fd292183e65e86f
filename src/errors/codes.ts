/**
 * Every error that mattebox can answer, by its stable code: what it means, and the exit code of a command that ends
 * with it (1 failed, 2 wrong use or no model, 130 interrupted). `docs/errors.md` holds the same table; a test compares them.
 */
export const ERROR_CODES = {
  USAGE: { exit: 2, meaning: 'An option or argument of a command is not one that it takes.' },
  MODEL_NONE: { exit: 2, meaning: 'No model is installed and none was named.' },
  MODEL_UNKNOWN: { exit: 2, meaning: 'No installed model bears that name and no file lies at that path.' },
  MODEL_DAMAGED: { exit: 1, meaning: 'A model file is truncated, foreign or damaged.' },
  MODEL_UNREADABLE: { exit: 1, meaning: 'A model file cannot be read: no permission, no regular file, too large.' },
  MODEL_TENSORS: { exit: 1, meaning: 'A model file lacks a tensor, or has one too many or of a wrong shape.' },
  FFMPEG_MISSING: { exit: 1, meaning: 'No ffmpeg or ffprobe that runs was found, or it lacks a codec that is needed.' },
  FFMPEG_FAILED: {
    exit: 1,
    meaning: 'ffmpeg stopped in the middle of its work, or gave no sign of life for too long.',
  },
  INPUT_UNREADABLE: { exit: 1, meaning: 'An input is missing, empty, damaged or neither picture nor video.' },
  INPUT_UNSUPPORTED: { exit: 1, meaning: 'An input has a property that is not handled, and would come out wrong.' },
  OUTPUT_UNSUPPORTED: { exit: 2, meaning: 'The format of the output does not take this picture.' },
  OUTPUT_EXISTS: { exit: 2, meaning: 'The output is there already and --force was not given.' },
  OUTPUT_UNWRITABLE: { exit: 1, meaning: 'The output cannot be written: no permission, no folder, a full disk.' },
  SHAPE: { exit: 1, meaning: 'A tensor or frame has another shape than the network takes.' },
  PROVIDER_UNAVAILABLE: { exit: 1, meaning: 'The provider that was asked for does not run on this machine.' },
  PROVIDER_NOT_INSTALLED: { exit: 1, meaning: 'Library files of a provider are missing or of another version.' },
  PROVIDER_NO_DEVICE: { exit: 1, meaning: 'There is no GPU that a provider could use, or it may not be opened.' },
  PROVIDER_DRIVER: { exit: 1, meaning: 'The driver of the GPU is missing, too old, or lacks what a provider needs.' },
  PROVIDER_SLOW: { exit: 1, meaning: 'A provider works, but slower than the CPU.' },
  PROVIDER_FAILED: { exit: 1, meaning: 'A trial run of a provider crashed, hung, failed or computed wrong values.' },
  INFERENCE: { exit: 1, meaning: 'The runtime failed on a frame, or answered numbers that are none.' },
  CHANNEL_ADDON: { exit: 1, meaning: 'The addon of the channel to OBS is not built, or does not load.' },
  CHANNEL_SOCKET: { exit: 1, meaning: 'The socket of the channel cannot be made, or takes no more connections.' },
  CHANNEL_VERSION: { exit: 1, meaning: 'The filter in OBS and the sidecar speak different versions of the channel.' },
  CHANNEL_STRANGER: { exit: 1, meaning: 'A process of another user wanted to connect to the channel.' },
  CHANNEL_LATE: { exit: 1, meaning: 'The other side of the channel did not finish the handshake in time.' },
  CHANNEL_BREACH: { exit: 1, meaning: 'The other side of the channel broke its rules and was let go of.' },
  CHANNEL_UNREAD: { exit: 1, meaning: 'The other side of the channel reads none of its messages.' },
  TRUTH_MISMATCH: { exit: 2, meaning: 'A clip and its truth differ in size or in the number of frames.' },
  BENCH: { exit: 1, meaning: 'A process of the benchmark failed.' },
  INTERRUPTED: { exit: 130, meaning: 'The user interrupted the command; nothing half-written is left.' },
} as const satisfies Record<string, { exit: 1 | 2 | 130; meaning: string }>

export type ErrorCode = keyof typeof ERROR_CODES
