import { expect, it } from 'vitest'
import { numberPoints, readNumbers } from '../../native/obs-host/picture.ts'
import { connectionOf, Stage, until } from './stage.ts'

it('x', async () => {
  const stage = await Stage.open({ fps: 60 })
  const sidecar = stage.sidecar()
  await stage.show({ stamp: true, pairing: 'newest' }, { picture: { every: 0 } })
  const points = numberPoints()
  const matted = () => until(stage.host, [points], ({ points }) => readNumbers(points).matte !== undefined)
  await matted()
  for (const ms of [0, 600, 300, 700]) {
    await stage.host.pass(40)
    await stage.host.capture(points)
    await stage.host.captured(5)
    process.kill(stage.host.pid, 'SIGSTOP')
    await new Promise((r) => setTimeout(r, ms))
    process.kill(stage.host.pid, 'SIGCONT')
    const frames = await stage.host.captured(60, { stop: true })
    console.log(
      ms,
      frames.map((f) => (readNumbers(f.points).matte !== undefined ? '#' : '.')).join(''),
      sidecar.frames.map((f) => `${f.id}:${f.epoch}`).join(' '),
      sidecar.open.length,
      sidecar.connections.length,
    )
  }
  console.log(
    stage.host.log.slice(-600),
    (await stage.host.properties('cam', 'matte'))[0].label,
    connectionOf(sidecar).counters,
  )
  await stage.close()
  expect(1).toBe(1)
}, 60000)
