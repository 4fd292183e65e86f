import { Type } from 'typebox'
import {
  AddFilter,
  AudioDelay,
  AudioDelayRemoved,
  AudioDelayView,
  ChangeFilter,
  FilterId,
  NamedFilter,
  ObsLogin,
  ObsView,
} from '../../../api/index.ts'
import { nullable } from '../../../api/nullable.ts'
import { addAudioDelay, removeAudioDelay } from '../audio-delay.ts'
import { route, type Route } from '../route.ts'
import { findSource, requireConnected } from './find-source.ts'
import type { RouteParts } from './route-parts.ts'

const tag = 'OBS'

/** OBS through its own WebSocket: it need not be connected for anything but this. */
export function obsRoutes({ states, obs, keepsakes }: RouteParts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/obs',
      tag,
      summary: 'Answers what OBS’s own WebSocket tells: sources, filters, audio inputs; or why it is not connected.',
      schemas: {},
      answer: ObsView,
      handle: () => states.state.obs,
    }),
    route({
      method: 'POST',
      path: '/api/obs/login',
      tag,
      summary: 'Connects to OBS’s WebSocket with another port or password, which is kept for this run only.',
      schemas: { body: ObsLogin },
      example: { port: 4455, password: 'as OBS shows it' },
      handle: ({ body }) => obs.login(body),
    }),
    route({
      method: 'POST',
      path: '/api/obs/filters',
      tag,
      summary: 'Adds the mattebox filter to a source, and answers its id; null where it has not told it yet.',
      schemas: { body: AddFilter },
      answer: Type.Object({ filterId: nullable(FilterId) }),
      example: { source: 'Camera' },
      handle: ({ body }) => obs.addFilter(body),
    }),
    route({
      method: 'PATCH',
      path: '/api/obs/filters',
      tag,
      summary: 'Switches a filter on or off, or moves it to another place among the source’s filters.',
      schemas: { body: ChangeFilter },
      example: { source: 'Camera', filter: 'Mattebox', enabled: true, index: 0 },
      handle: ({ body }) => obs.changeFilter(body),
    }),
    route({
      method: 'DELETE',
      path: '/api/obs/filters',
      tag,
      summary: 'Removes a mattebox filter from a source.',
      schemas: { query: NamedFilter },
      handle: ({ query }) => obs.removeFilter(query),
    }),
    route({
      method: 'GET',
      path: '/api/obs/audio-delay',
      tag,
      summary: 'Lists the delays that were added to audio inputs.',
      schemas: {},
      answer: Type.Array(AudioDelayView),
      handle: () => states.state.audioDelays,
    }),
    route({
      method: 'POST',
      path: '/api/obs/audio-delay',
      tag,
      summary: 'Adds the delay of a filter’s picture to an audio input’s own offset; again, where the delay has moved.',
      schemas: {
        body: Type.Object({ filterId: FilterId, input: AudioDelay.properties.input }, { additionalProperties: false }),
      },
      answer: AudioDelay,
      example: { filterId: '0123456789abcdef', input: 'Microphone' },
      handle: ({ body: { filterId, input } }) => {
        const source = requireConnected(findSource(states.state.sources, { id: filterId }, {}))
        return addAudioDelay({ obs, keepsakes }, source, input)
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/obs/audio-delay',
      tag,
      summary:
        'Gives an audio input the offset back that it had before; one that was changed since stays as it is. The delay is forgotten in either case.',
      schemas: { query: Type.Object({ input: AudioDelay.properties.input }, { additionalProperties: false }) },
      answer: AudioDelayRemoved,
      handle: ({ query }) => removeAudioDelay({ obs, keepsakes }, query.input),
    }),
  ]
}
