import { Type } from 'typebox'
import { Binding, Name, Preset, RegionTemplate } from '../../../api/index.ts'
import { asFault } from '../failure-status.ts'
import { route, type Route } from '../route.ts'
import type { RouteParts } from './route-parts.ts'

const named = Type.Object({ name: Name }, { additionalProperties: false })
const bound = Type.Object(
  { scene: Binding.properties.scene, filterId: Binding.properties.filterId },
  { additionalProperties: false },
)

/** Presets, the scenes that they are bound to, and templates of regions. */
export function keepsakeRoutes({ keepsakes }: RouteParts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/presets',
      tag: 'Presets',
      summary: 'Lists the presets.',
      schemas: {},
      answer: Type.Array(Preset),
      handle: () => keepsakes.all.presets,
    }),
    route({
      method: 'PUT',
      path: '/api/presets/{name}',
      tag: 'Presets',
      summary: 'Keeps some settings under a name, in place of what it held.',
      schemas: {
        params: named,
        body: Type.Object({ settings: Preset.properties.settings }, { additionalProperties: false }),
      },
      answer: Preset,
      example: { settings: { feather: 1.5, background: 'blur' } },
      handle: async ({ params: { name }, body: { settings } }) => {
        await keepsakes.putPreset({ name, settings })
        return { name, settings }
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/presets/{name}',
      tag: 'Presets',
      summary: 'Removes a preset, and its bindings.',
      schemas: { params: named },
      handle: ({ params }) => keepsakes.removePreset(params.name),
    }),
    route({
      method: 'GET',
      path: '/api/bindings',
      tag: 'Presets',
      summary: 'Lists which preset a filter takes on when which scene comes on program.',
      schemas: {},
      answer: Type.Array(Binding),
      handle: () => keepsakes.all.bindings,
    }),
    route({
      method: 'PUT',
      path: '/api/bindings',
      tag: 'Presets',
      summary: 'Binds a preset to a scene for a filter, in place of what was bound there.',
      schemas: { body: Binding },
      answer: Binding,
      example: { scene: 'Desk', filterId: '0123456789abcdef', preset: 'Evening' },
      handle: async ({ body }) => {
        await keepsakes.putBinding(body).catch(asFault('NOT_KEPT', '/preset'))
        return body
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/bindings',
      tag: 'Presets',
      summary: 'Removes what is bound to a scene for a filter.',
      schemas: { query: bound },
      handle: ({ query }) => keepsakes.removeBinding(query),
    }),
    route({
      method: 'GET',
      path: '/api/region-templates',
      tag: 'Regions',
      summary: 'Lists the templates of regions.',
      schemas: {},
      answer: Type.Array(RegionTemplate),
      handle: () => keepsakes.all.regionTemplates,
    }),
    route({
      method: 'PUT',
      path: '/api/region-templates/{name}',
      tag: 'Regions',
      summary: 'Keeps regions under a name, in place of what it held.',
      schemas: {
        params: named,
        body: Type.Object({ regions: RegionTemplate.properties.regions }, { additionalProperties: false }),
      },
      answer: RegionTemplate,
      example: {
        regions: [
          {
            kind: 'keep_out',
            points: [
              { x: 0, y: 0.5 },
              { x: 0.2, y: 0.5 },
              { x: 0.2, y: 1 },
            ],
          },
        ],
      },
      handle: async ({ params: { name }, body: { regions } }) => {
        await keepsakes.putRegionTemplate({ name, regions })
        return { name, regions }
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/region-templates/{name}',
      tag: 'Regions',
      summary: 'Removes a template of regions.',
      schemas: { params: named },
      handle: ({ params }) => keepsakes.removeRegionTemplate(params.name),
    }),
  ]
}
