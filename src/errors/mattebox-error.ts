import { ERROR_CODES, type ErrorCode } from './codes.ts'
import type { Complaint } from './complaint.ts'

/**
 * An error that a user can act on: what was found and wanted (`message`), and what to do (`mend`).
 *
 * A command inside a mend stands in backticks and begins with `mattebox `; the edge that shows it puts the
 * invocation that works where the user is in its place.
 */
export class MatteboxError extends Error {
  override readonly name = 'MatteboxError'

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly mend: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }

  /** Exit code of a command that ends with this error. */
  get exitCode(): number {
    return ERROR_CODES[this.code].exit
  }

  toJSON(): Complaint<ErrorCode> {
    return { code: this.code, message: this.message, mend: this.mend }
  }
}
