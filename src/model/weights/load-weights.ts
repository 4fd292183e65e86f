import { readFile, stat } from 'node:fs/promises'
import { MatteboxError } from '../../errors/index.ts'
import { printable } from './faults.ts'
import { parseWeights, type LoadedWeights } from './parse-weights.ts'

/** The network takes 15 MB in float32: twice that in float64, and a factor of two for whatever a file says besides. */
const MAX_FILE_BYTES = 64 << 20

/**
 * Reads a model file from disk (see {@link parseWeights}).
 *
 * @throws {MatteboxError} MODEL_UNKNOWN if there is none, MODEL_UNREADABLE if it is no file, too large or not ours to
 *   read, and those of {@link parseWeights}
 */
export async function loadWeights(path: string): Promise<LoadedWeights> {
  return parseWeights(await readModelFile(path), path)
}

async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    const found = await stat(path)
    if (found.isDirectory()) throw unreadable(path, 'is a folder', 'Give the model file in it.')
    if (!found.isFile()) throw unreadable(path, 'is not a regular file', 'Give a model file.')
    if (found.size > MAX_FILE_BYTES) {
      const limit = `is ${found.size} bytes large, more than this network's weights ever take (${MAX_FILE_BYTES})`
      throw unreadable(path, limit, 'Give weights of Robust Video Matting with MobileNetV3.')
    }
    return await readFile(path)
  } catch (error) {
    throw error instanceof MatteboxError ? error : systemError(path, error as NodeJS.ErrnoException)
  }
}

function systemError(path: string, error: NodeJS.ErrnoException): MatteboxError {
  const cause = { cause: error }
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    const mend = 'Check the path; `mattebox models list` shows the installed models.'
    return new MatteboxError('MODEL_UNKNOWN', `There is no file ${printable(path)}.`, mend, cause)
  }
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return unreadable(path, 'may not be read: no permission', 'Give yourself read permission, or copy the file.', cause)
  }
  return unreadable(path, `cannot be read (${error.code ?? error.message})`, 'Check the disk, or copy the file.', cause)
}

function unreadable(path: string, fault: string, mend: string, options?: { cause: unknown }): MatteboxError {
  return new MatteboxError('MODEL_UNREADABLE', `${printable(path)} ${fault}.`, mend, options)
}
