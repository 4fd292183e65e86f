/**
 * What real inference costs OBS: output frames that came late or were skipped, with the sidecar (one thread, niced) and
 * without, in alternating pairs; the picture is 640x360 at 30 frames a second, and the computer has few cores.
 *
 * One pair of 5 s here, printed; five of 30 s with MATTEBOX_FULL=1, whose median difference is at most 1 percentage
 * point (on a machine that does nothing else).
 */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { full, missing, Stage } from '../obs-filter/stage.ts'
import { compiledMattebox, home, Mattebox } from './mattebox.ts'

const PAIRS = full ? 5 : 1
const SECONDS = full ? 30 : 5

describe.skipIf(missing !== undefined)('OBS beside real inference', { timeout: 600_000 }, () => {
  const program = compiledMattebox()
  afterAll(() => program.remove())

  let stage: Stage
  let place: ReturnType<typeof home>
  beforeEach(async () => {
    place = home()
    stage = await Stage.open({ width: 640, height: 360, fps: 30 })
  })
  afterEach(async () => {
    await stage.close()
    place[Symbol.dispose]()
  })

  /** Percentage of output frames that came late or not at all. */
  async function lost(): Promise<number> {
    const before = await stage.host.video()
    await stage.host.pass(30 * SECONDS)
    const after = await stage.host.video()
    const bad = after.lagged - before.lagged + after.skipped - before.skipped
    return (100 * bad) / (after.rendered - before.rendered)
  }

  it(`loses no more frames than without a sidecar (${PAIRS} × ${SECONDS} s)`, async () => {
    await stage.show({ ratio: 0 }, { picture: { width: 640, height: 360 } })
    const differences: number[] = []
    for (let pair = 0; pair < PAIRS; pair++) {
      await stage.host.pass(30)
      const without = await lost()
      const sidecar = Mattebox.start({
        program: program.path,
        home: place.folder,
        socket: stage.socket,
        args: ['--model', place.model],
        nice: 10,
      })
      await sidecar.until(() => (sidecar.source()?.totals.answered ?? 0) > 10, 30_000)
      const answered = sidecar.source()!.totals.answered
      const withIt = await lost()
      await sidecar.until(() => true)
      const perSecond = (sidecar.source()!.totals.answered - answered) / SECONDS
      await sidecar.end()
      differences.push(withIt - without)
      console.log(
        `lost with ${withIt.toFixed(2)} %, without ${without.toFixed(2)} %; ${perSecond.toFixed(1)} mattes a second`,
      )
    }
    const median = differences.toSorted((a, b) => a - b)[PAIRS >> 1]
    console.log(`median difference ${median.toFixed(2)} percentage points`)
    if (full) expect(median).toBeLessThanOrEqual(1)
  })
})
