/**
 * Every error that mattebox can answer, by its stable code: what it means, and the exit code of a command that ends
 * with it (1 failed, 2 wrong use or no model). `docs/errors.md` holds the same table; a test compares them.
 */
export const ERROR_CODES = {
  USAGE: { exit: 2, meaning: 'An option or argument of a command is not one that it takes.' },
  MODEL_NONE: { exit: 2, meaning: 'No model is installed and none was named.' },
  MODEL_UNKNOWN: { exit: 2, meaning: 'No installed model bears that name and no file lies at that path.' },
  MODEL_DAMAGED: { exit: 1, meaning: 'A model file is truncated, foreign or damaged.' },
  MODEL_TENSORS: { exit: 1, meaning: 'A model file lacks a tensor, or has one too many or of a wrong shape.' },
  SHAPE: { exit: 1, meaning: 'A tensor or frame has another shape than the network takes.' },
  PROVIDER_UNAVAILABLE: { exit: 1, meaning: 'The provider that was asked for does not run on this machine.' },
} as const satisfies Record<string, { exit: 1 | 2; meaning: string }>

export type ErrorCode = keyof typeof ERROR_CODES
