import { Type } from 'typebox'
import { ModelView } from '../../../api/index.ts'
import { MatteboxError } from '../../../errors/index.ts'
import { route, type Route } from '../route.ts'
import type { RouteParts } from './route-parts.ts'

const tag = 'Models'
const ModelName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
  description: 'Up to 64 letters, digits, dots, hyphens and underscores.',
})

/** The installed models. */
export function modelRoutes({ states, models }: RouteParts): Route[] {
  const known = () => states.state.engine.models
  return [
    route({
      method: 'GET',
      path: '/api/models',
      tag,
      summary: 'Lists the installed models.',
      schemas: {},
      answer: Type.Array(ModelView),
      handle: known,
    }),
    route({
      method: 'POST',
      path: '/api/models',
      tag,
      summary:
        'Installs a model from the bytes of a file (the official ONNX release, or safetensors; at most 64 MiB), once it has been checked whole.',
      schemas: {
        query: Type.Object(
          {
            name: ModelName,
            replace: Type.Optional(Type.Boolean({ description: 'Whether it takes the place of one of that name.' })),
          },
          { additionalProperties: false },
        ),
        body: 'stream',
      },
      answer: ModelView,
      handle: async ({ query: { name, replace = false }, request }) => {
        await models.install(name, request, { replace })
        return known().find((model) => model.name === name)
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/models/{name}',
      tag,
      summary: 'Removes a model that the user installed and that is not in use.',
      schemas: { params: Type.Object({ name: ModelName }, { additionalProperties: false }) },
      handle: async ({ params: { name } }) => {
        if (known().some((model) => model.name === name && model.inUse)) {
          const message = `The model ${name} is in use.`
          throw new MatteboxError('MODEL_IN_USE', message, 'Choose another one first.')
        }
        await models.remove(name)
      },
    }),
  ]
}
