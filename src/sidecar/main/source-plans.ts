import type { SourcePlan, SourceReport } from '../contract/inference-process.ts'

/** The networks that these sources want, so that a new process has them warm before their filters reconnect. */
export function plansOf(sources: readonly SourceReport[]): SourcePlan[] {
  return sources.flatMap(({ hello, settings, filter }) => {
    // Its size is not known until it has said it.
    if (!filter || !settings || filter.width === 0 || filter.height === 0) return []
    const { width, height } = filter
    return [
      { filterId: hello.filterId, width, height, refiner: settings.refiner, planes: settings.decontaminate ? 8 : 2 },
    ]
  })
}
