import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { MatteboxError } from '../errors/index.ts'

/** What lies at a path, by its first bytes; `demuxer` is ffmpeg's for it, undefined where it shall find out. */
export interface FileKind {
  readonly kind: 'image' | 'video' | 'folder' | 'device'
  readonly demuxer: string | undefined
}

const STILL_EXTENSIONS = ['.png', '.jpg', '.jpeg', '.jpe', '.jfif', '.webp', '.bmp', '.tif', '.tiff']
const MOTION_JPEG_EXTENSIONS = ['.mjpg', '.mjpeg']
/** Brands of ISO 14496-12 files that hold pictures in tiles: older ffmpeg shows one tile of them as the picture. */
const HEIF_BRANDS = ['heic', 'heix', 'heim', 'heis', 'mif1', 'avif']
const SNIFFED_BYTES = 65536
/** ffmpeg's demuxer for cameras: Video4Linux2. */
export const CAMERA_DEMUXER = 'v4l2'

/** Whether a file's name says that it is a still picture that is read. */
export function hasStillExtension(path: string): boolean {
  return STILL_EXTENSIONS.includes(extname(path).toLowerCase())
}

/**
 * Says what lies at a path, and that it can be read at all.
 *
 * @throws {MatteboxError} INPUT_UNREADABLE if it is missing, empty, not permitted or neither file nor folder;
 *   INPUT_UNSUPPORTED for HEIF and AVIF, and for a device where cameras are not read
 */
export async function fileKind(path: string): Promise<FileKind> {
  const name = basename(path)
  const unreadable = (message: string, mend: string, cause?: unknown): MatteboxError =>
    new MatteboxError('INPUT_UNREADABLE', message, mend, { cause })
  try {
    const entry = await stat(path)
    if (entry.isDirectory()) return { kind: 'folder', demuxer: undefined }
    if (entry.isCharacterDevice()) return camera(path)
    if (!entry.isFile()) {
      throw unreadable(`${path} is no regular file.`, 'Save it to a file first: its sound is read a second time.')
    }
    if (entry.size === 0) throw unreadable(`${path} is empty (0 bytes).`, 'Give another file, or fetch this one again.')
    const file = await open(path, constants.O_RDONLY)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0)
      return sniff(buffer.subarray(0, bytesRead), name)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof MatteboxError) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') throw unreadable(`${path} does not exist.`, 'Check the path.', error)
    if (code === 'EACCES' || code === 'EPERM') {
      throw unreadable(`${path} may not be read: no permission.`, 'Give yourself the right to read it.', error)
    }
    throw unreadable(`${path} cannot be read: ${(error as Error).message}.`, 'Check the path and the disk.', error)
  }
}

function camera(path: string): FileKind {
  if (process.platform === 'linux') return { kind: 'device', demuxer: CAMERA_DEMUXER }
  throw new MatteboxError(
    'INPUT_UNSUPPORTED',
    `${path} is a device: cameras are read on Linux only.`,
    'Record it to a file first.',
  )
}

function sniff(head: Buffer, name: string): FileKind {
  const text = head.toString('latin1', 0, 16)
  if (text.slice(4, 8) === 'ftyp' && HEIF_BRANDS.includes(text.slice(8, 12))) {
    throw new MatteboxError(
      'INPUT_UNSUPPORTED',
      `${name} is a HEIF or AVIF picture: they are not read yet.`,
      'Convert it to PNG or JPEG.',
    )
  }
  const image = (demuxer: string): FileKind => ({ kind: 'image', demuxer })
  const video: FileKind = { kind: 'video', demuxer: undefined }
  // An animated PNG has its animation chunk before the picture's data.
  if (text.startsWith('\x89PNG')) return isBefore(head, 'acTL', 'IDAT') ? video : image('png_pipe')
  // Motion JPEG is a row of JPEG pictures and begins as one.
  const motion = MOTION_JPEG_EXTENSIONS.includes(extname(name).toLowerCase())
  if (text.startsWith('\xff\xd8\xff')) return motion ? video : image('jpeg_pipe')
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return image('webp_pipe')
  if (text.startsWith('II*\0') || text.startsWith('MM\0*')) return image('tiff_pipe')
  return text.startsWith('BM') && extname(name).toLowerCase() === '.bmp' ? image('bmp_pipe') : video
}

function isBefore(head: Buffer, chunk: string, other: string): boolean {
  const at = head.indexOf(chunk, 0, 'latin1')
  const end = head.indexOf(other, 0, 'latin1')
  return at !== -1 && (end === -1 || at < end)
}
