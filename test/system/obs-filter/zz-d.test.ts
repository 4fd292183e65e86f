import { describe, it } from 'vitest'
import { buildPlugin } from '../../native/obs-host/build.ts'
import { Stage } from './stage.ts'
import { numberPoints, readNumbers } from '../../native/obs-host/picture.ts'

describe('d', { timeout: 300_000 }, () => {
  it('bound', async () => {
    const stage = await Stage.open({ plugin: buildPlugin('-DMATTEBOX_TEXTURE_MIB=4') })
    const sidecar = stage.sidecar({ delayMs: 250, overlap: 30 })
    const points = numberPoints()
    const say = async (name: string) => {
      const f = (await stage.host.frames(20, points)).map((f) => readNumbers(f.points))
      for (let c = 0; c < sidecar.connections.length; c++) {
        const s = sidecar.messages.filter((m) => m.name === 'stats' && m.connection === c).at(-1)?.body as never as Record<string, unknown>
        console.log(name, c, JSON.stringify({ delay: s['delayMs'], lat: s['latencyMs'], pairing: s['pairing'], error: s['error'], shown: s['shown'], covered: s['covered'] }))
      }
      console.log('   ', f.map((x) => `${x.picture ?? '-'}/${x.matte ?? '-'}`).join(' '))
      console.log('   ', (await stage.host.properties('a', 'matte'))[0].label.replaceAll('\n', ' | '))
    }
    await stage.show({ max_delay_ms: 500 }, { source: 'a' })
    await stage.host.pass(150)
    await say('one')
    for (const n of [1, 2, 3, 4, 5, 6]) {
      await stage.host.create('picture', `b${n}`, {})
      await stage.host.addFilter(`b${n}`, 'matte', { ratio: 0.25, max_delay_ms: 500 })
      await stage.host.do('add-item', { scene: 'a scene', source: `b${n}`, x: 1000, y: 0 })
      if (n === 1 || n === 6) {
        await stage.host.pass(150)
        await say(`${n + 1}`)
      }
    }
    for (const n of [1, 2, 3, 4, 5, 6]) await stage.host.removeFilter(`b${n}`, 'matte')
    await stage.host.pass(300)
    await say('one again')
    console.log(JSON.stringify(await stage.host.quit()))
    await stage.close()
  })
})
