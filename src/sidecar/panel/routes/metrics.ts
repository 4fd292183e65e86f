import { Metrics } from '../../../api/index.ts'
import { metricsOf } from '../metrics-of.ts'
import { PROMETHEUS_TYPE, prometheusText } from '../prometheus.ts'
import { Answer, route, type Route } from '../route.ts'
import type { RouteParts } from './route-parts.ts'

const tag = 'Metrics'

/** Figures, for those who watch. */
export function metricsRoutes({ states }: RouteParts): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/metrics',
      tag,
      summary: 'Answers figures of all filters and processes.',
      schemas: {},
      answer: Metrics,
      handle: () => metricsOf(states.state),
    }),
    route({
      method: 'GET',
      path: '/metrics',
      tag,
      summary: 'Answers the same figures as Prometheus reads them, as text.',
      schemas: {},
      answer: PROMETHEUS_TYPE,
      handle: () => new Answer(200, prometheusText(states.state), PROMETHEUS_TYPE),
    }),
  ]
}
