import { MatteboxError } from '../../errors/index.ts'

const WANTED = 'Give weights of Robust Video Matting with MobileNetV3, as safetensors or the official ONNX release.'
const SHOWN = 6

/** A model file that cannot be read as what it seems to be: `file` and `fault` make the sentence. */
export function damaged(fileName: string, fault: string, mend?: string, cause?: unknown): MatteboxError {
  return new MatteboxError(
    'MODEL_DAMAGED',
    `${printable(fileName)} ${fault}.`,
    mend ?? 'Get the file again, or give another one.',
    cause === undefined ? undefined : { cause },
  )
}

/** A readable file of another network: every fault is counted, the first few are named. */
export function wrongTensors(fileName: string, faults: readonly string[]): MatteboxError {
  const more = faults.length > SHOWN ? `; and ${faults.length - SHOWN} more` : ''
  return new MatteboxError(
    'MODEL_TENSORS',
    `${printable(fileName)} does not hold the network's tensors: ${faults.slice(0, SHOWN).join('; ')}${more}.`,
    WANTED,
  )
}

/** A readable ONNX file whose graph is not the official release's. */
export function foreignGraph(fileName: string, fault: string, mend = WANTED): MatteboxError {
  return damaged(fileName, `is an ONNX graph, but not Robust Video Matting's: ${fault}`, mend)
}

/** Text from a file as it may be shown: no control characters (they steer terminals), and not without end. */
export function printable(text: string, longest = 300): string {
  const clean = text.replace(/\p{C}/gu, '\uFFFD')
  return clean.length > longest ? `${clean.slice(0, longest)}…` : clean
}
