import { PanelState } from '../../../api/index.ts'
import { route, type Route } from '../route.ts'
import type { RouteParts } from './route-parts.ts'

export const stateRoute = ({ states }: RouteParts): Route =>
  route({
    method: 'GET',
    path: '/api/state',
    tag: 'State',
    summary: 'Answers everything that the panel shows, in one object.',
    schemas: {},
    answer: PanelState,
    handle: () => states.state,
  })
