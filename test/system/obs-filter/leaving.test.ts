/**
 * Reliability row 23: OBS leaves as fast with the filter as without, and nothing leaks, whether the sidecar runs, is
 * absent, stopped, or in mid-handshake.
 *
 * 2 times each here; 20 with MATTEBOX_FULL=1. Seen red with a link thread that takes 1.5 s to be joined.
 */
import { describe, expect, it } from 'vitest'
import type { PlainBehaviour } from '../../fake-sidecar/fake-sidecar-process.ts'
import { cell } from '../../native/obs-host/picture.ts'
import { full, missing, Stage, until } from './stage.ts'

const TIMES = full ? 20 : 2

describe.skipIf(missing !== undefined)('leaving OBS', { timeout: 600_000 }, () => {
  /** Runs OBS for a moment, with a sidecar of some kind, and leaves. */
  async function leave(kind: keyof typeof SIDECARS | 'no filter'): Promise<{ leaks: number; ms: number }> {
    const stage = await Stage.open(kind === 'no filter' ? { plugin: 'none' } : {})
    try {
      const { behaviour, stops } = kind === 'no filter' ? { behaviour: undefined, stops: false } : SIDECARS[kind]
      const sidecar = behaviour === undefined ? undefined : await stage.sidecarProcess(behaviour)
      if (kind === 'no filter') {
        await stage.host.create('picture', 'cam')
        await stage.host.scene('scene', [{ source: 'cam' }])
        await stage.host.program('scene')
      } else {
        await stage.show()
      }
      if (kind === 'running' || kind === 'stopped')
        await until(stage.host, [[cell(18, 7)]], ({ points: [gray] }) => gray.a === 255)
      if (stops) {
        await sidecar!.signal('SIGSTOP')
        await stage.host.pass(20)
      }
      await stage.host.pass(5)
      return await stage.host.quit()
    } finally {
      await stage.close()
    }
  }

  const SIDECARS = {
    running: { behaviour: {}, stops: false },
    absent: { behaviour: undefined, stops: false },
    stopped: { behaviour: {}, stops: true },
    'in mid-handshake': { behaviour: { admit: 'hang' }, stops: false },
  } as const satisfies Record<string, { behaviour: Partial<PlainBehaviour> | undefined; stops: boolean }>

  it(`takes at most 0.5 s longer than without the filter, and leaks nothing, ${TIMES} times each`, async () => {
    const baseline: number[] = []
    for (let n = 0; n < TIMES; n++) baseline.push((await leave('no filter')).ms)
    const limit = Math.max(...baseline) + 500
    for (const kind of Object.keys(SIDECARS) as (keyof typeof SIDECARS)[]) {
      for (let n = 0; n < TIMES; n++) {
        const { leaks, ms } = await leave(kind)
        expect({ kind, leaks }).toEqual({ kind, leaks: 0 })
        expect(ms, kind).toBeLessThanOrEqual(limit)
      }
    }
  })
})
