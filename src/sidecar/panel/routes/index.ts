import type { Route } from '../route.ts'
import { engineRoutes } from './engine.ts'
import { keepsakeRoutes } from './keepsakes.ts'
import { metricsRoutes } from './metrics.ts'
import { modelFetchRoutes } from './model-fetch.ts'
import { modelRoutes } from './models.ts'
import { obsRoutes } from './obs.ts'
import { openApiRoute } from './openapi.ts'
import type { RouteParts } from './route-parts.ts'
import { sourceRoutes } from './sources.ts'
import { stateRoute } from './state.ts'

/** The one flat table of everything that the API answers. */
export function routes(parts: RouteParts): readonly Route[] {
  const rows = [
    stateRoute(parts),
    ...sourceRoutes(parts),
    ...keepsakeRoutes(parts),
    ...engineRoutes(parts),
    ...modelRoutes(parts),
    ...modelFetchRoutes(parts),
    ...obsRoutes(parts),
    ...metricsRoutes(parts),
  ]
  return [...rows, openApiRoute(rows, parts.sidecar.version)]
}
