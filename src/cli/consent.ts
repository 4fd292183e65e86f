import { createInterface } from 'node:readline/promises'
import { MatteboxError } from '../errors/index.ts'

export interface ConsentOptions {
  /** The user agreed beforehand. */
  readonly yes: boolean
  /** What is asked about, in one question. */
  readonly question: string
  /** What was not done, where he declines: `Nothing was fetched.` */
  readonly otherwise: string
}

/**
 * Asks the user, on the terminal, and goes on only with his yes.
 *
 * @throws {MatteboxError} USAGE where nobody can be asked, INTERRUPTED where he declines
 */
export async function requireConsent({ yes, question, otherwise }: ConsentOptions): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    const message = `${otherwise} This wants your consent, and nobody can be asked here.`
    throw new MatteboxError('USAGE', message, 'Add --yes if you agree.')
  }
  const answer = await ask(`${question} [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw new MatteboxError('INTERRUPTED', otherwise, 'Answer y to go on.')
}

/** The answer; nothing where the user ends the input or interrupts. */
function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  return new Promise((resolve) => {
    const unanswered = (): void => {
      process.stderr.write('\n')
      resolve('')
    }
    lines.once('close', unanswered)
    lines.question(question).then(
      (answer) => {
        lines.off('close', unanswered).close()
        resolve(answer)
        // Ctrl-C: `close` has come before.
      },
      () => undefined,
    )
  })
}
