import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'

/** Beside the outputs: which of them were finished, from what and how. */
const FILE = '.mattebox-finished.json'

const Entry = Type.Object({ input: Type.String(), settings: Type.String(), output: Type.String() })
const Journal = Type.Record(Type.String(), Entry)
type Entry = Static<typeof Entry>

/**
 * Keeps in an outputs' folder which of them were finished. That an output bears its name says that it is whole (it gets
 * the name at its end); this says that it was made from this input with these settings, and was not changed since.
 */
export class FinishedOutputs {
  /** @param settings - all that decides how an output looks; compared as JSON */
  constructor(private readonly settings: unknown) {}

  /** Whether all these outputs are there, made from this input with these settings. */
  has(input: string, outputs: readonly string[]): boolean {
    return outputs.every((output) => {
      const entry = read(output)[basename(output)]
      return entry !== undefined && Value.Equal(entry, this.entry(input, output))
    })
  }

  /** Notes that these outputs are finished. Where that cannot be noted they are there all the same: nothing fails. */
  add(input: string, outputs: readonly string[]): void {
    for (const output of outputs) {
      const journal = { ...read(output), [basename(output)]: this.entry(input, output) }
      const part = `${journalOf(output)}.${process.pid}.part`
      try {
        writeFileSync(part, `${JSON.stringify(journal, undefined, 2)}\n`)
        renameSync(part, journalOf(output))
      } catch {
        rmSync(part, { force: true })
      }
    }
  }

  private entry(input: string, output: string): Entry {
    const settings = createHash('sha256').update(JSON.stringify(this.settings)).digest('hex')
    return { input: identity(input), settings, output: identity(output) }
  }
}

function journalOf(output: string): string {
  return join(dirname(resolve(output)), FILE)
}

function read(output: string): Readonly<Partial<Record<string, Entry>>> {
  try {
    const journal: unknown = JSON.parse(readFileSync(journalOf(output), 'utf8'))
    return Value.Check(Journal, journal) ? journal : {}
  } catch {
    return {}
  }
}

/** Size and time of change of a file, or of all in a folder: another content has others. '' where nothing is. */
export function identity(path: string): string {
  try {
    const entry = statSync(path)
    if (!entry.isDirectory()) return `${entry.size} ${entry.mtimeMs}`
    const files = readdirSync(path)
      .sort()
      .map((name) => `${name} ${identity(join(path, name))}`)
    return createHash('sha256').update(files.join('\n')).digest('hex')
  } catch {
    return ''
  }
}
