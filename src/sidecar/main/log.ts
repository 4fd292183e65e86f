import { chmodSync, lstatSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { destination, pino } from 'pino'
import { MatteboxError } from '../../errors/index.ts'
import { makePrivateFolder, stateFolder } from './folders.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Takes what happened, in a sentence, and the values that belong to it. */
export type Log = Readonly<Record<LogLevel, (message: string, fields?: Readonly<Record<string, unknown>>) => void>>

/** A mend for what is a fault of ours. */
export const REPORT_IT = 'Its log says more: ~/.local/state/mattebox/mattebox.log. Please report it.'

/** Past this size the log begins anew, and the old one is kept beside it. */
const ROTATED_BYTES = 5 * 1024 * 1024
/** What waits while the disk is full; beyond it lines are lost. */
const UNWRITTEN_MAX = 1024 * 1024

/** A log that nobody reads. */
export const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/**
 * The log of the main process, and of what the inference process says: JSON lines in `mattebox.log`, for this user's
 * eyes. A disk that is full loses lines and nothing else.
 *
 * @throws {MatteboxError} STATE_FOLDER
 */
export async function openLog(level: LogLevel, folder: string = stateFolder()): Promise<Log> {
  const path = join(folder, 'mattebox.log')
  try {
    await makePrivateFolder(folder)
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > ROTATED_BYTES) renameSync(path, `${path}.1`)
    // Lines are few, and the last ones before a fall are those that matter: none waits in a buffer.
    const file = destination({ dest: path, mode: 0o600, sync: true, maxLength: UNWRITTEN_MAX })
    // The disk is full.
    file.on('error', () => undefined)
    // One that was there may be open to others; what is no file is not ours to close.
    if (lstatSync(path).isFile()) chmodSync(path, 0o600)
    const to = pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      file,
    )
    const at =
      (name: LogLevel): Log[LogLevel] =>
      (message, fields = {}) => {
        to[name](fields, message)
      }
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    const mend =
      code === 'ENOSPC' ? 'Free some space on the disk.' : `Give yourself permission to write into ${folder}.`
    throw new MatteboxError('STATE_FOLDER', `The log ${path} cannot be written (${code}).`, mend, { cause: error })
  }
}
