import { MatteboxError } from '../errors/index.ts'
import { localizeCommands } from './invocation.ts'

/**
 * Shows an error as the user should see it and answers the exit code: message and mend, or under `--json` one object
 * `{error: {code, message, mend}}` on standard output. Only a fault of ours shows a stack trace.
 */
export function reportError(error: unknown, json: boolean): number {
  if (!(error instanceof MatteboxError)) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return 1
  }
  const { code, message } = error
  const mend = localizeCommands(error.mend)
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, mend } })}\n`)
  process.stderr.write(`mattebox: ${message}\n${mend}\n`)
  return error.exitCode
}
