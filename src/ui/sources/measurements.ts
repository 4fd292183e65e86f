import { effect, signal } from '@preact/signals'
import type { SourceView } from '../../api/index.ts'
import type { FilterSettings } from '../../settings/schema.ts'
import { state } from '../live.ts'
import { withMeasurement, type Measurement } from './ratio-cost.ts'

/** What steps have taken on this machine, while this page was open. */
export const measurements = signal<readonly Measurement[]>([])

/** The time of a step is smoothed: after a change it still tells of the network before. */
const SETTLED_MS = 3000

/** What the time of a step depends on, beside its size. */
export function networkOf({ engine }: SourceView, { refiner, decontaminate }: FilterSettings): string {
  return `${engine.provider} ${engine.model} ${refiner} ${decontaminate}`
}

const since = new Map<string, { readonly kind: string; readonly atMs: number }>()

effect(() => {
  const nowMs = performance.now()
  let found = measurements.peek()
  for (const source of state.value?.sources ?? []) {
    const { id, settings, lowResolution, figures, connected } = source
    if (!connected || !settings || !lowResolution || !figures.inferenceMs) continue
    const network = networkOf(source, settings)
    const kind = `${network} ${lowResolution.width}x${lowResolution.height}`
    const before = since.get(id)
    if (before?.kind !== kind) since.set(id, { kind, atMs: nowMs })
    else if (nowMs - before.atMs >= SETTLED_MS) {
      found = withMeasurement(found, { network, ...lowResolution, inferenceMs: figures.inferenceMs })
    }
  }
  measurements.value = found
})
