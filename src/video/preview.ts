import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { MediaProcess } from './media-process.ts'
import { BYTES_PER_PIXEL, type PixelLayout } from './nut-format.ts'
import { NutWriter } from './nut-writer.ts'

/** A picture as the preview takes it. */
export interface PreviewPicture {
  /** height · width pixels in the layout. */
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly layout: PixelLayout
}

/** Pixels of the window's longer side. */
const LONGEST_SIDE = 640
/** No picture sooner after another: the window is for looking, the time for matting. */
const INTERVAL_MS = 40
/** Where nothing is: a board of these grays, its squares so many pixels wide. */
const BOARD = { light: 160, dark: 110, square: 16 } as const

/** Players that read NUT from a pipe, and how each is told to show it at once. */
const PLAYERS: readonly { readonly name: string; readonly args: readonly string[] }[] = [
  {
    name: 'ffplay',
    args: [
      ...['-v', 'error', '-window_title', 'mattebox', '-an', '-autoexit'],
      ...['-fflags', 'nobuffer', '-probesize', '32', '-analyzeduration', '0', '-f', 'nut', '-i', 'pipe:0'],
    ],
  },
  {
    name: 'mpv',
    args: ['--no-terminal', '--title=mattebox', '--no-cache', '--demuxer-lavf-format=nut', '-'],
  },
]

/**
 * A small window of the system's player with what is being made. It never holds the work up: while the player is busy,
 * pictures are left out. Closing the window ends the preview only.
 */
export class Preview {
  private player: { process: MediaProcess; nut: NutWriter; size: readonly [number, number] } | undefined
  private began = 0
  private shownAt = -Infinity
  private isBusy = false
  private isOver = false

  private constructor(
    private readonly path: string,
    private readonly args: readonly string[],
  ) {}

  /** @returns the preview, or a sentence that says why there is none */
  static find(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): Preview | string {
    const needsDisplay = platform !== 'win32' && platform !== 'darwin'
    if (needsDisplay && !env['DISPLAY'] && !env['WAYLAND_DISPLAY']) {
      return 'No preview: there is no screen (neither DISPLAY nor WAYLAND_DISPLAY is set).'
    }
    const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
    for (const { name, args } of PLAYERS) {
      const file = platform === 'win32' ? `${name}.exe` : name
      const path = folders.map((folder) => join(folder, file)).find(isExecutable)
      if (path !== undefined) return new Preview(path, args)
    }
    return 'No preview: neither ffplay (it comes with ffmpeg) nor mpv is installed.'
  }

  /** Shows a picture if the player is ready for one. `picture.data` may be changed afterwards. */
  show(picture: PreviewPicture): void {
    const now = performance.now()
    if (this.isOver || this.isBusy || now - this.shownAt < INTERVAL_MS) return
    this.shownAt = now
    const { data, size } = scaledDown(picture)
    if (this.player?.size.join() !== size.join()) this.open(size, now)
    this.isBusy = true
    // Time is the clock's: the player shows each picture as it comes.
    this.player!.nut.write(data, Math.round(now - this.began)).then(
      () => (this.isBusy = false),
      () => (this.isOver = true),
    )
  }

  /** Closes the window. */
  async close(): Promise<void> {
    this.isOver = true
    this.player?.process.kill()
    await this.player?.process.ended
  }

  /** Why the player ended by itself, where it complained; known after `close`. */
  get complaint(): string | undefined {
    const { complaint } = this.player?.process ?? { complaint: '' }
    return complaint === '' ? undefined : `The preview said: ${complaint}.`
  }

  private open(size: readonly [number, number], now: number): void {
    this.player?.process.kill()
    const process = new MediaProcess(this.path, this.args, { input: true })
    process.stdout.resume()
    const [width, height] = size
    const stream = { width, height, layout: 'bgr0', timeBase: { num: 1, den: 1000 } } as const
    this.player = { process, nut: new NutWriter(process.stdin, stream), size }
    this.began = now
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The picture at the window's size, pixel by pixel without averaging, over a board where it is transparent. */
function scaledDown({ data, width, height, layout }: PreviewPicture): { data: Uint8Array; size: [number, number] } {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height))
  const size: [number, number] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))]
  const [shownWidth, shownHeight] = size
  const shown = new Uint8Array(shownWidth * shownHeight * 4)
  const bytes = BYTES_PER_PIXEL[layout]
  for (let y = 0; y < shownHeight; y++) {
    const row = Math.floor((y * height) / shownHeight) * width
    for (let x = 0; x < shownWidth; x++) {
      const from = (row + Math.floor((x * width) / shownWidth)) * bytes
      const to = (y * shownWidth + x) * 4
      const isLight = ((x / BOARD.square) & 1) === ((y / BOARD.square) & 1)
      const alpha = layout === 'bgra' ? data[from + 3] / 255 : 1
      const behind = (1 - alpha) * (isLight ? BOARD.light : BOARD.dark)
      for (let c = 0; c < 3; c++) shown[to + c] = Math.round(alpha * data[layout === 'gray' ? from : from + c] + behind)
      shown[to + 3] = 255
    }
  }
  return { data: shown, size }
}
