import { Type } from 'typebox'
import { openApi } from '../openapi.ts'
import { route, type Route } from '../route.ts'

/** Describes the other rows, and itself. */
export function openApiRoute(rows: readonly Route[], version: string): Route {
  const self: Route = route({
    method: 'GET',
    path: '/api/openapi.json',
    tag: 'State',
    summary: 'Answers this description of the API, as OpenAPI 3.1.',
    schemas: {},
    answer: Type.Object({}, { description: 'An OpenAPI document.' }),
    handle: () => openApi([...rows, self], version),
  })
  return self
}
