/** Seen red with straight colours shown without their alpha. */
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Preview } from '../../src/video/preview.ts'
import { ffmpegs, scratchFolder, show } from './media-tools.ts'

const folder = scratchFolder()
const at = (name: string): string => join(folder, name)
const [width, height] = [64, 48]

/** A folder with a player that is this script. */
function player(name: 'ffplay' | 'mpv', script: string): NodeJS.ProcessEnv {
  const path = at(`bin-${Math.random()}`)
  mkdirSync(path)
  writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(path, name), 0o755)
  return { PATH: path, DISPLAY: ':0' }
}

/** Left half opaque white, right half transparent red. */
const picture = {
  ...{ width, height, layout: 'bgra' as const },
  data: Uint8Array.from({ length: width * height * 4 }, (_, i) => {
    const isLeft = (i >> 2) % width < width / 2
    return i % 4 === 3 ? (isLeft ? 255 : 0) : isLeft || i % 4 === 2 ? 255 : 0
  }),
}

async function showFor(preview: Preview, ms: number): Promise<number> {
  const end = performance.now() + ms
  let shown = 0
  for (; performance.now() < end; shown++) {
    preview.show(picture)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return shown
}

function found(env: NodeJS.ProcessEnv): Preview {
  const preview = Preview.find(env, 'linux')
  if (typeof preview === 'string') return expect.unreachable(preview)
  return preview
}

describe('the preview', () => {
  it.each(['ffplay', 'mpv'] as const)('pipes pictures into %s, over a board where nothing is', async (name) => {
    const file = at(`${name}.nut`)
    const preview = found(player(name, `exec /bin/cat > ${file}`))
    await showFor(preview, 400)
    await preview.close()
    expect(preview.complaint).toBeUndefined()
    const probed = await show(ffmpegs.at(-1)!, file, '-count_frames', '-show_streams')
    expect(probed).toMatchObject({ streams: [{ codec_name: 'rawvideo', width, height, pix_fmt: 'bgr0' }] })
    const bytes = readFileSync(file)
    const first = bytes.subarray(bytes.indexOf(Buffer.of(255, 255, 255, 255)))
    expect([...first.subarray(0, 4)]).toEqual([255, 255, 255, 255])
    const right = first.subarray((width - 4) * 4, (width - 4) * 4 + 3)
    expect([110, 160]).toContain(right[0])
    expect(right[0] === right[1] && right[1] === right[2]).toBe(true)
  })

  it('never waits for a player that reads nothing', async () => {
    const preview = found(player('ffplay', 'exec /bin/sleep 100'))
    const big = { ...picture, width: 640, height: 480, data: new Uint8Array(640 * 480 * 4) }
    const began = performance.now()
    for (let n = 0; n < 20; n++) {
      preview.show(big)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await preview.close()
    expect(performance.now() - began).toBeLessThan(5000)
  })

  it('goes on where the window is closed, and repeats what the player complained of', async () => {
    const closed = found(player('ffplay', 'exit 0'))
    await showFor(closed, 300)
    await closed.close()
    expect(closed.complaint).toBeUndefined()
    const broken = found(player('mpv', 'echo "no screen here" >&2; exit 1'))
    await showFor(broken, 300)
    await broken.close()
    expect(broken.complaint).toBe('The preview said: no screen here.')
  })

  it('says why there is none', () => {
    expect(Preview.find({ PATH: folder }, 'linux')).toContain('no screen')
    expect(Preview.find({ PATH: folder, WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toContain('neither ffplay')
    expect(Preview.find({ PATH: folder }, 'darwin')).toContain('neither ffplay')
  })

  // SDL draws into memory: the real player, its window imagined.
  it.runIf(existsSync('/usr/bin/ffplay'))('is taken by the real ffplay', async () => {
    const path = at('real')
    mkdirSync(path)
    symlinkSync('/usr/bin/ffplay', join(path, 'ffplay'))
    const driver = process.env['SDL_VIDEODRIVER']
    process.env['SDL_VIDEODRIVER'] = 'dummy'
    try {
      const preview = found({ PATH: path, DISPLAY: ':0' })
      await showFor(preview, 1500)
      await preview.close()
      expect(preview.complaint).toBeUndefined()
    } finally {
      if (driver === undefined) delete process.env['SDL_VIDEODRIVER']
      else process.env['SDL_VIDEODRIVER'] = driver
    }
  })
})
