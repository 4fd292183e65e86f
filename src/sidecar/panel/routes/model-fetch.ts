import { Type } from 'typebox'
import { FetchableModel } from '../../../api/index.ts'
import { MODEL_NAME_PATTERN } from '../../../models/model-location.ts'
import { route, type Route } from '../route.ts'
import type { RouteParts } from './route-parts.ts'

const tag = 'Models to fetch'
const path = '/api/models/{name}/fetch'
const schemas = {
  params: Type.Object(
    { name: Type.String({ pattern: MODEL_NAME_PATTERN, description: 'Of a model that can be fetched.' }) },
    { additionalProperties: false },
  ),
}

/** The models that mattebox can bring. Whoever asks for one has seen its licence: the answer of the first row has it. */
export function modelFetchRoutes({ states, modelGetter }: RouteParts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/fetchable-models',
      tag,
      summary: 'Lists the models that mattebox can fetch, with size, licence and sha256.',
      schemas: {},
      answer: Type.Array(FetchableModel),
      handle: () => states.state.engine.fetchable,
    }),
    route({
      method: 'POST',
      path,
      tag,
      summary:
        'Begins to fetch a model, which accepts its licence; it is checked and installed when it is there. `engine.fetching` of the state tells how far it is, or why it ended.',
      schemas,
      handle: ({ params: { name } }) => modelGetter.begin(name),
    }),
    route({
      method: 'DELETE',
      path,
      tag,
      summary:
        'Stops fetching a model, or forgets why it could not be fetched. What has arrived is gone on with the next time.',
      schemas,
      handle: ({ params: { name } }) => modelGetter.stop(name),
    }),
  ]
}
