import { describe, it } from 'vitest'
import { writeFileSync } from 'node:fs'
import { buildPlugin } from '../../native/obs-host/build.ts'
import { Stage, until } from './stage.ts'
import { numberPoints, readNumbers } from '../../native/obs-host/picture.ts'
const points = numberPoints()
describe('d', { timeout: 600_000 }, () => {
  it('stress', async () => {
    const stage = await Stage.open({ plugin: buildPlugin('-DMB_D_STRESS'), env: { LD_PRELOAD: '/tmp/segv.so' } })
    const { host } = stage
    stage.sidecar()
    await stage.show()
    await until(host, [points], ({ points: pixels }) => readNumbers(pixels).matte !== undefined)
    const end = Date.now() + 400_000
    let n = 0
    try {
      for (; Date.now() < end; n++) {
        await host.addFilter('cam', `extra ${n}`, { ratio: 0.25 })
        await host.pass(1 + (n % 6))
        await host.removeFilter('cam', `extra ${n}`)
      }
      console.log('rounds', n, 'fine')
    } catch (e) {
      writeFileSync('/tmp/dcrash.txt', host.log)
      console.log('rounds', n, 'CRASH', String(e).slice(0, 300))
    }
    await stage.close()
  })
})
