import { MatteboxError } from '../../errors/index.ts'

/** In a row; a provider that answers nothing else for so long is broken. */
export const MOST_BROKEN_MATTES = 30

/** @param often - how many times in a row; default: that it happened */
export function brokenMatte(often?: number): MatteboxError {
  const times = often === undefined ? '' : ` ${often} times in a row`
  return new MatteboxError(
    'INFERENCE',
    `The network answered numbers that are none (NaN or infinity)${times}.`,
    'Choose another provider, or check the model with `mattebox models verify`.',
  )
}
