import { Command, CommanderError } from 'commander'
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
    .action(async () => void process.stdout.write(await overview()))
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
  const program = await createProgram()
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
    else process.exitCode = reportError(error, argv.includes('--json'))
  }
}
