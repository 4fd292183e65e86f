import { Type } from 'typebox'
import { Name, SomeFilterSettings, SourceView, type Preset } from '../../../api/index.ts'
import { FilterSettings } from '../../../settings/index.ts'
import { asFault } from '../failure-status.ts'
import { route, type Route } from '../route.ts'
import { findSource, requireConnected, SourceNames, SourceParams, sourcesNamed } from './find-source.ts'
import type { RouteParts } from './route-parts.ts'
import { untilThere, setFilter } from './set-filter.ts'

const tag = 'Sources'
const LATE = 'The filter was told, and has not answered yet: the settings that it said last.'
const selecting = { params: SourceParams, query: SourceNames }

/** Filters in OBS: what they do, their settings, and what they can be told. */
export function sourceRoutes({ states, sidecar, keepsakes }: RouteParts): Route[] {
  const known = () => states.state.sources
  const connected = async (params: SourceParams, query: SourceNames): Promise<string> => {
    const { id } = findSource(known(), params, query)
    await untilThere(sidecar, id)
    return requireConnected(findSource(known(), params, query)).id
  }
  const namedPreset = (name: string): Preset => {
    try {
      return keepsakes.preset(name)
    } catch (error) {
      return asFault('NOT_KEPT', '/name')(error)
    }
  }

  return [
    route({
      method: 'GET',
      path: '/api/sources',
      tag,
      summary:
        'Lists the filters that have connected since mattebox started; with names in the query, those that bear them.',
      schemas: { query: SourceNames },
      answer: Type.Array(SourceView),
      handle: ({ query }) => (Object.keys(query).length === 0 ? known() : sourcesNamed(known(), query)),
    }),
    route({
      method: 'GET',
      path: '/api/sources/{id}',
      tag,
      summary: 'Answers one filter.',
      schemas: selecting,
      answer: SourceView,
      handle: ({ params, query }) => findSource(known(), params, query),
    }),
    route({
      method: 'PATCH',
      path: '/api/sources/{id}/settings',
      tag,
      summary:
        'Changes some of a filter’s settings, live, and answers all that it has then; 202 and those that it said last where it does not answer within a second.',
      accepted: LATE,
      schemas: { ...selecting, body: SomeFilterSettings },
      answer: FilterSettings,
      example: { ratio: 0.4, view: 'alpha' },
      handle: async ({ params, query, body }) => setFilter(sidecar, await connected(params, query), body),
    }),
    route({
      method: 'POST',
      path: '/api/sources/{id}/preset',
      tag,
      summary: 'Gives a filter the settings of a preset, and answers as a change of settings does.',
      accepted: LATE,
      schemas: { ...selecting, body: Type.Object({ name: Name }, { additionalProperties: false }) },
      answer: FilterSettings,
      example: { name: 'Evening' },
      handle: async ({ params, query, body }) => {
        const id = await connected(params, query)
        return setFilter(sidecar, id, namedPreset(body.name).settings)
      },
    }),
    route({
      method: 'POST',
      path: '/api/sources/{id}/reset',
      tag,
      summary: 'Makes the network forget what it saw of this source.',
      schemas: selecting,
      handle: async ({ params, query }) => sidecar.resetFilter(await connected(params, query)),
    }),
    route({
      method: 'POST',
      path: '/api/sources/{id}/cover',
      tag,
      summary: 'Shows what is shown without a matte (hidden, where that would be the room), or the result again.',
      schemas: { ...selecting, body: Type.Object({ on: Type.Boolean() }, { additionalProperties: false }) },
      example: { on: true },
      handle: async ({ params, query, body }) => sidecar.coverFilter(await connected(params, query), body.on),
    }),
  ]
}
