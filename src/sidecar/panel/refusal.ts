import type { Failure } from '../../api/index.ts'
import type { ErrorCode } from '../../errors/index.ts'

/** A request that is sent away: the status, what the asker is told, and headers that go with it. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: ErrorCode,
    message: string,
    readonly mend: string,
    readonly more: {
      /** JSON pointer of the field that is wrong. */
      readonly field?: string
      readonly headers?: Readonly<Record<string, string>>
    } = {},
  ) {
    super(message)
  }

  get failure(): Failure {
    const { code, message, mend } = this
    const { field } = this.more
    return { error: { code, message, mend, ...(field !== undefined && { field }) } }
  }
}
