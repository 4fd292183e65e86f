import { describe, expect, it } from 'vitest'
import { decodeTryMatte, encodeTryFrame } from '../../../src/ui/matte/try-message.ts'

const frame = { id: 7, width: 16, height: 16, refiner: 'deep', planes: 8, reset: false, cutDetection: true } as const

/** A message as the server makes it. */
function message(header: unknown, bytes: Uint8Array): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify(header))
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, text.length, true)
  return Uint8Array.from([...length, ...text, ...bytes]).buffer
}

describe('a message of /api/try', () => {
  it('is the length of its header, the header and the pixels', () => {
    const rgba = Uint8Array.from({ length: 1024 }, (_, i) => i % 256)
    expect(new Uint8Array(encodeTryFrame(frame, rgba))).toEqual(new Uint8Array(message(frame, rgba)))
  })

  it.each([
    ['even', 'cpu'],
    ['odd', 'cuda'],
  ])('gives its planes, behind a header of %s length', (_, provider) => {
    const header = { kind: 'matte', id: 7, width: 1, height: 1, planes: 2, provider }
    const { header: read, planes } = decodeTryMatte(message(header, Uint8Array.of(0x00, 0x3c, 0x01, 0xbc)))
    expect(read).toEqual(header)
    expect([...planes]).toEqual([0x3c00, 0xbc01])
  })
})
