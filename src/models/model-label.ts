import { open } from 'node:fs/promises'

/** What a model file says of itself; null where it does not. */
export interface ModelLabel {
  readonly licence: string | null
  readonly variant: string | null
}

const NO_LABEL: ModelLabel = { licence: null, variant: null }
/** Headers of this network take some 40 KB. */
const HEADER_BYTES_MAX = 1024 * 1024

/** Reads the label in a safetensors file's header, and nothing else of it: whoever loads it checks it. */
export async function modelLabel(path: string): Promise<ModelLabel> {
  const file = await open(path).catch(() => undefined)
  if (!file) return NO_LABEL
  try {
    const length = Buffer.alloc(8)
    await file.read(length, 0, 8, 0)
    const headerBytes = Number(length.readBigUInt64LE())
    if (headerBytes > HEADER_BYTES_MAX) return NO_LABEL
    const header = Buffer.alloc(headerBytes)
    await file.read(header, 0, header.length, 8)
    const { __metadata__: said = {} } = JSON.parse(header.toString()) as { __metadata__?: Record<string, unknown> }
    const text = (key: string): string | null => {
      const value = said[`mattebox.${key}`]
      return typeof value === 'string' && value !== 'unknown' ? value.replace(/\p{C}/gu, '�').slice(0, 100) : null
    }
    return { licence: text('licence'), variant: text('variant') }
  } catch {
    return NO_LABEL
  } finally {
    await file.close()
  }
}
