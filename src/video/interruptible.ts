import { MatteboxError } from '../errors/index.ts'

/** @throws {MatteboxError} INTERRUPTED once the signal is given */
export function stopIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new MatteboxError('INTERRUPTED', 'Interrupted.', 'Nothing was written; run the command again to begin anew.')
  }
}
