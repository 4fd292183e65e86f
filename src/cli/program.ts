import { Command, CommanderError } from 'commander'
import { reportError } from './report-error.ts'

/** The program with all its commands: one file a command, each registers itself. */
export function createProgram(): Command {
  const program = new Command('mattebox')
    .description('Takes the person out of a picture: video matting on your own machine.')
    .version('0.1.0')
    .exitOverride()
  return program
}

/** Runs one command line and sets the exit code: 0 done, 1 failed, 2 wrong use or no model, 130 interrupted. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = createProgram()
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
    else process.exitCode = reportError(error, argv.includes('--json'))
  }
}
