import { Command, CommanderError } from 'commander'
import { MatteboxError } from '../errors/index.ts'
import { emitNetwork } from '../model/network.ts'
import { registerBench } from './bench.ts'
import { registerDoctor } from './doctor.ts'
import { registerEval } from './eval.ts'
import { registerMatte } from './matte.ts'
import { registerModels } from './models.ts'
import { overview } from './overview.ts'
import { reportError } from './report-error.ts'
import { versions } from './versions.ts'

/** The program with all its commands: one file a command, each registers itself. */
export async function createProgram(): Promise<Command> {
  const program = new Command('mattebox')
    .description('Takes the person out of a picture: video matting on your own machine.')
    .version((await versions()).mattebox)
    .exitOverride()
    // What is wrong is said in one place and one way: report-error.ts.
    .configureOutput({ outputError: () => undefined })
  registerMatte(program)
  registerEval(program)
  registerModels(program, {
    emitOnnx: (weights, options) =>
      emitNetwork(weights, { batch: 'batch', height: 'height', width: 'width', ...options }),
  })
  registerBench(program)
  registerDoctor(program)
  return program
}

/** Runs one command line and sets the exit code: 0 done, 1 failed, 2 wrong use or no model, 130 interrupted. */
export async function run(argv: readonly string[]): Promise<void> {
  const json = argv.includes('--json')
  try {
    if (argv.length <= 2) process.stdout.write(await overview())
    else await (await createProgram()).parseAsync(argv)
  } catch (error) {
    if (!(error instanceof CommanderError)) process.exitCode = reportError(error, json)
    // A group of commands that was called alone has shown its help.
    else if (error.code === 'commander.help') process.exitCode = 2
    else if (error.exitCode !== 0) process.exitCode = reportError(wrongUse(error, argv), json)
  }
}

/** What the command line's library found wrong, as an error of ours. */
function wrongUse({ message }: CommanderError, argv: readonly string[]): MatteboxError {
  const found = message.replace(/^error: /, '')
  const command = argv.slice(2).find((word) => !word.startsWith('-'))
  const known = command !== undefined && !found.startsWith('unknown command')
  return new MatteboxError(
    'USAGE',
    `${found[0].toUpperCase()}${found.slice(1)}`,
    `See \`mattebox ${known ? `${command} ` : ''}--help\`.`,
  )
}
