import { Command, CommanderError } from 'commander'
import { MatteboxError } from '../errors/index.ts'
import { overview } from './overview.ts'
import { reportError } from './report-error.ts'
import { versions } from './versions.ts'

type Register = (program: Command) => void

/** All commands, in the order of the help. One file a command; what it needs is loaded only when it is called. */
const COMMANDS: Readonly<Record<string, (isCalled: boolean) => Promise<Register>>> = {
  matte: async () => (await import('./matte.ts')).registerMatte,
  eval: async () => (await import('./eval.ts')).registerEval,
  models: async () => {
    const [{ registerModels }, { emitNetwork }] = await Promise.all([
      import('./models.ts'),
      import('../model/network.ts'),
    ])
    return (program) =>
      registerModels(program, {
        emitOnnx: (weights, options) =>
          emitNetwork(weights, { batch: 'batch', height: 'height', width: 'width', ...options }),
      })
  },
  providers: async () => (await import('./providers.ts')).registerProviders,
  bench: async () => (await import('./bench.ts')).registerBench,
  start: async (isCalled) => {
    const { forkInference, letGo } = await import('../sidecar/main/fork-inference.ts')
    const early = isCalled ? letGo(forkInference()) : undefined
    const { registerStart } = await import('./start.ts')
    return (program) => registerStart(program, early)
  },
  token: async () => (await import('./token.ts')).registerToken,
  obs: async () => (await import('./obs.ts')).registerObs,
  service: async () => (await import('./service.ts')).registerService,
  doctor: async () => (await import('./doctor.ts')).registerDoctor,
}

/** The program: with the command that is called, or with all of them where none of ours is. */
async function createProgram(called: string | undefined): Promise<Command> {
  const program = new Command('mattebox')
    .description('Takes the person out of a picture: video matting on your own machine.')
    .version((await versions()).mattebox)
    .exitOverride()
    // What is wrong is said in one place and one way: report-error.ts.
    .configureOutput({ outputError: () => undefined })
  const isOurs = called !== undefined && Object.hasOwn(COMMANDS, called)
  const names = isOurs ? [called] : Object.keys(COMMANDS)
  for (const register of await Promise.all(names.map((name) => COMMANDS[name](isOurs)))) register(program)
  return program
}

/** Runs one command line and sets the exit code: 0 done, 1 failed, 2 wrong use or no model, 130 interrupted. */
export async function run(argv: readonly string[]): Promise<void> {
  const json = argv.includes('--json')
  try {
    if (argv.length <= 2) process.stdout.write(await overview())
    else await (await createProgram(argv[2])).parseAsync(argv)
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
