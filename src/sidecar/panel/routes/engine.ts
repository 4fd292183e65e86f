import { Type } from 'typebox'
import { EngineView } from '../../../api/index.ts'
import { EngineSettings } from '../../../settings/index.ts'
import { asFault } from '../failure-status.ts'
import { route, type Route } from '../route.ts'
import type { RouteParts } from './route-parts.ts'

const tag = 'Engine'

/** What runs the network. */
export function engineRoutes({ states, sidecar }: RouteParts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/engine',
      tag,
      summary: 'Answers what runs the network, and why not something better.',
      schemas: {},
      answer: EngineView,
      handle: () => states.state.engine,
    }),
    route({
      method: 'PATCH',
      path: '/api/engine',
      tag,
      summary:
        'Changes some of the engine’s settings, for now and later; what is matted goes on until the new engine is warm. Port and address are taken on at the next start.',
      schemas: { body: Type.Partial(EngineSettings, { additionalProperties: false }) },
      answer: EngineView,
      example: { threads: 2 },
      handle: async ({ body }) => {
        // All else was checked against the schema.
        const done = sidecar.setEngine(body).catch(asFault('SETTINGS_INVALID', '/listen'))
        await ('model' in body ? done.catch(asFault('MODEL_UNKNOWN', '/model')) : done)
        return states.state.engine
      },
    }),
    route({
      method: 'POST',
      path: '/api/engine/retry',
      tag,
      summary: 'Tries providers again that were passed over because they failed while live.',
      schemas: {},
      handle: () => sidecar.retryProviders(),
    }),
  ]
}
