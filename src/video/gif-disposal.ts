import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'

// Parts of a GIF file (CompuServe, "GIF89a Specification", 1990).
const HEADER_BYTES = 6
const SCREEN_FLAGS_AT = HEADER_BYTES + 4
const SCREEN_BYTES = 7
const EXTENSION = 0x21
const GRAPHIC_CONTROL = 0xf9
const IMAGE = 0x2c
const IMAGE_BYTES = 10
const IMAGE_FLAGS_AT = 9

/** In the packed byte of a graphic control extension: what becomes of a picture when its time is over. */
const DISPOSAL_MASK = 0b11100
const TO_BACKGROUND = 2 << 2

/**
 * Has every picture of a GIF cleared before the next one, as transparent ones must be. Older ffmpeg leaves each in its
 * place: what is transparent in the next one would show it. Every picture must cover the whole screen.
 */
export function clearBetweenFrames(path: string): void {
  const file = openSync(path, 'r+')
  try {
    const bytes = new FileBytes(file)
    let at = HEADER_BYTES + SCREEN_BYTES + colourTableBytes(bytes.at(SCREEN_FLAGS_AT))
    for (;;) {
      const kind = bytes.at(at)
      if (kind === EXTENSION) {
        if (bytes.at(at + 1) === GRAPHIC_CONTROL) {
          const packed = bytes.at(at + 3)
          writeSync(file, Buffer.of((packed & ~DISPOSAL_MASK) | TO_BACKGROUND), 0, 1, at + 3)
        }
        at = afterBlocks(bytes, at + 2)
      } else if (kind === IMAGE) {
        const table = colourTableBytes(bytes.at(at + IMAGE_FLAGS_AT))
        const codeSizeBytes = 1
        at = afterBlocks(bytes, at + IMAGE_BYTES + table + codeSizeBytes)
      } else return
    }
  } finally {
    closeSync(file)
  }
}

/** The length of the colour table that a byte of flags announces. */
function colourTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * (2 << (flags & 7))
}

/** Where a row of data blocks, each with its length before it, ends. */
function afterBlocks(bytes: FileBytes, at: number): number {
  let next = at
  for (let length = bytes.at(next); length > 0; length = bytes.at(next)) next += length + 1
  return next + 1
}

/** Single bytes of a file, read a chunk at a time. 0 past its end. */
class FileBytes {
  private readonly chunk = Buffer.alloc(65536)
  private begin = 0
  private end = 0
  private readonly size: number

  constructor(private readonly file: number) {
    this.size = fstatSync(file).size
  }

  at(position: number): number {
    if (position >= this.size) return 0
    if (position < this.begin || position >= this.end) {
      this.begin = position
      this.end = position + readSync(this.file, this.chunk, 0, this.chunk.length, position)
    }
    return this.chunk[position - this.begin]
  }
}
