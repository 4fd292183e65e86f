import { Option, type Command } from 'commander'
import { Value } from 'typebox/value'
import { MatteboxError } from '../errors/index.ts'
import { Settings } from '../settings/index.ts'
import { parseTime } from '../video/time-range.ts'

/** What `matte` and `eval` share, as commander hands it over. */
export interface MattingFlags {
  readonly model?: string
  readonly ratio: Settings['ratio']
  readonly refiner: Settings['refiner']
  readonly provider: Settings['provider']
  readonly decontaminate: boolean
  readonly cutDetection: boolean
  readonly threads?: number
  /** Seconds. */
  readonly from?: number
  readonly to?: number
  readonly json?: true
}

const { properties } = Settings

/** Adds the options that choose how a clip is matted; values, defaults and sentences come from the settings' schema. */
export function addMattingOptions(command: Command): Command {
  return command
    .option('--model <name|path>', 'an installed model, or a safetensors or ONNX file')
    .addOption(
      new Option('--ratio <auto|number>', properties.ratio.description)
        .default(properties.ratio.default, 'auto')
        .argParser(parseRatio),
    )
    .addOption(choice('refiner'))
    .addOption(choice('provider'))
    .addOption(onOff('--decontaminate', properties.decontaminate))
    .addOption(onOff('--cut-detection', properties.cut_detection))
    .option('--threads <n>', 'threads of the CPU provider (default: as the machine has)', parseThreads)
    .option('--from <time>', 'begin here: seconds or hh:mm:ss', (given: string) => parseTime(given, '--from'))
    .option('--to <time>', 'end before this time of the clip', (given: string) => parseTime(given, '--to'))
    .option('--json', 'print the result as JSON')
}

/** An option whose words are one of the schema's enumerations. */
export function choice(name: 'refiner' | 'provider' | 'view'): Option {
  const { words, default: first, description } = properties[name]
  return new Option(`--${name} <${words.join('|')}>`, description)
    .default(first)
    .argParser((given) => checked(name, words, given))
}

function onOff(flag: string, { description, default: initial }: { description: string; default: boolean }): Option {
  return new Option(`${flag} <on|off>`, description)
    .default(initial, initial ? 'on' : 'off')
    .argParser((given) => checked(flag.slice(2), ['on', 'off'], given) === 'on')
}

function parseRatio(given: string): number {
  const ratio = given === 'auto' ? 0 : Number(given)
  if (given.trim() !== '' && Value.Check(properties.ratio, ratio) && (ratio !== 0 || given === 'auto')) return ratio
  throw new MatteboxError('USAGE', `--ratio is ${given}.`, 'Give auto or a number from 0.05 to 1.')
}

function parseThreads(given: string): number {
  const threads = Number(given)
  if (Number.isInteger(threads) && threads >= 1 && threads <= 256) return threads
  throw new MatteboxError('USAGE', `--threads is ${given}.`, 'Give a whole number from 1 to 256.')
}

function checked(name: string, words: readonly string[], given: string): string {
  if (words.includes(given)) return given
  throw new MatteboxError('USAGE', `--${name} is ${given}.`, `Give one of: ${words.join(', ')}.`)
}
