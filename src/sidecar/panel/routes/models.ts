import { Type } from 'typebox'
import { ModelView } from '../../../api/index.ts'
import { MatteboxError } from '../../../errors/index.ts'
import { MODEL_NAME_PATTERN } from '../../../models/model-location.ts'
import { MODEL_BYTES_MAX } from '../../../settings/model-limits.ts'
import { route, type Route } from '../route.ts'
import type { RouteParts } from './route-parts.ts'

const tag = 'Models'
const ModelName = Type.String({
  pattern: MODEL_NAME_PATTERN,
  description: 'Up to 64 letters, digits, dots, hyphens and underscores, without the ending .safetensors.',
})

/** The installed models. */
export function modelRoutes({ states, models }: RouteParts): Route[] {
  const known = () => states.state.engine.models
  const requireUnused = (name: string, mend: string): void => {
    if (!known().some((model) => model.name === name && model.inUse)) return
    throw new MatteboxError('MODEL_IN_USE', `The model ${name} is in use.`, mend)
  }
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
      summary: `Installs a model from the bytes of a file (the official ONNX release, or safetensors; at most ${MODEL_BYTES_MAX / 2 ** 20} MiB), once it has been checked whole.`,
      schemas: {
        query: Type.Object(
          {
            name: ModelName,
            replace: Type.Optional(
              Type.Boolean({
                description: 'Whether it takes the place of one of that name, which must not be in use.',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        body: 'stream',
      },
      answer: ModelView,
      handle: async ({ query: { name, replace = false }, request }) => {
        if (replace) requireUnused(name, 'Give another name, or choose another model first.')
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
        requireUnused(name, 'Choose another one first.')
        await models.remove(name)
      },
    }),
  ]
}
