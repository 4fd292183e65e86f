import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { NutOutput } from '../../src/video/nut-output.ts'
import { NutReader } from '../../src/video/nut-reader.ts'

const spec = { width: 2, height: 1, layout: 'bgra' } as const
const timeBase = { num: 1, den: 25 }

describe('frames for another program', () => {
  it('carry their own times, from the first on', async () => {
    const pipe = new PassThrough()
    const output = new NutOutput(spec, pipe)
    await output.write(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), { pts: 7, timeBase })
    await output.write(Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1), { pts: 12, timeBase })
    await output.finish()
    pipe.end()
    const reader = new NutReader(pipe, 'bgra')
    expect(await reader.open()).toMatchObject({ width: 2, height: 1, timeBase })
    const [first, second] = [await reader.read((n) => Buffer.alloc(n)), await reader.read((n) => Buffer.alloc(n))]
    expect([first?.pts, second?.pts]).toEqual([7, 12])
    expect([...second!.data]).toEqual([8, 7, 6, 5, 4, 3, 2, 1])
  })

  it('are not written to a terminal', () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true })
    expect(() => new NutOutput(spec, terminal)).toThrow('Standard output is a terminal')
  })

  it('say that their reader is gone', async () => {
    const pipe = new PassThrough()
    pipe.on('error', () => undefined)
    pipe.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    const output = new NutOutput(spec, pipe)
    await expect(output.write(new Uint8Array(8), { pts: 0, timeBase })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    })
    await expect(new NutOutput(spec, new PassThrough()).complete()).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' })
  })
})
