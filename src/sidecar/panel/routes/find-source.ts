import { Type, type Static } from 'typebox'
import { FilterId, type SourceView } from '../../../api/index.ts'
import { MatteboxError } from '../../../errors/index.ts'
import { Refusal } from '../refusal.ts'

const name = (what: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: `Name of the ${what} in OBS.` }))

/** A name that OBS shows, for people and for scripts that know no id. */
export const SourceNames = Type.Object(
  { source: name('source'), filter: name('filter') },
  { additionalProperties: false },
)
export type SourceNames = Static<typeof SourceNames>

export const SourceParams = Type.Object(
  {
    id: Type.Union([FilterId, Type.Literal('find')], {
      description: 'A filter’s id; or `find`, and the names of its source, of itself, or both, in the query.',
    }),
  },
  { additionalProperties: false },
)
export type SourceParams = Static<typeof SourceParams>

/**
 * The filters that bear these names. Studio mode's duplicates are none of them, and one that has gone is only where no
 * other is connected: a filter that was removed and added anew has two ids under one name.
 */
export function sourcesNamed(sources: readonly SourceView[], { source, filter }: SourceNames): SourceView[] {
  const named = sources.filter(
    (one) =>
      !one.private &&
      (source === undefined || one.source === source) &&
      (filter === undefined || one.filter === filter),
  )
  const connected = named.filter((one) => one.connected)
  return connected.length > 0 ? connected : named
}

/** The one filter that is meant. @throws {MatteboxError} SOURCE_UNKNOWN, AMBIGUOUS */
export function findSource(sources: readonly SourceView[], { id }: SourceParams, names: SourceNames): SourceView {
  if (id !== 'find') {
    const unused = Object.keys(names).at(0)
    if (unused !== undefined) {
      const mend = 'Leave it out, or write `find` in place of the id.'
      throw new Refusal(400, 'REQUEST_INVALID', `An id and ${unused} are given.`, mend, { field: `/${unused}` })
    }
    const found = sources.find((one) => one.id === id)
    if (found) return found
    throw unknown(`No filter has the id ${id}.`, sources)
  }
  const found = sourcesNamed(sources, names)
  // In two OBS at once a filter has one id: what is asked of it reaches both.
  if (new Set(found.map((one) => one.id)).size === 1) return found[0]
  if (found.length === 0) throw unknown('No filter bears these names.', sources)
  const fits = found.map(described).join(', ')
  const mend = 'Name source and filter, or give the id: it stays the same over restarts.'
  throw new MatteboxError('AMBIGUOUS', `More than one filter fits: ${fits}.`, mend)
}

/** @throws {MatteboxError} SOURCE_AWAY */
export function requireConnected(source: SourceView): SourceView {
  if (source.connected) return source
  throw new MatteboxError(
    'SOURCE_AWAY',
    `The filter ${described(source)} is not connected.`,
    'Start OBS and load the scene collection with it: it connects by itself.',
  )
}

function unknown(message: string, sources: readonly SourceView[]): MatteboxError {
  const known = sources.map(described).join(', ')
  const mend = known === '' ? 'None has connected yet: add the filter to a source in OBS.' : `Known are: ${known}.`
  return new MatteboxError('SOURCE_UNKNOWN', message, mend)
}

function described({ id, source, filter }: SourceView): string {
  return `${id} (${source} / ${filter})`
}
