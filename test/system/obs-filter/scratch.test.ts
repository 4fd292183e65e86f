import { expect, it } from 'vitest'
import { numberPoints, readNumbers } from '../../native/obs-host/picture.ts'
import { Stage, until } from './stage.ts'
import { execFileSync } from 'node:child_process'

it('x', async () => {
  const stage = await Stage.open()
  const sidecar = stage.sidecar()
  await stage.show({ stamp: true })
  const points = numberPoints()
  await until(stage.host, [points], ({ points }) => readNumbers(points).matte !== undefined)
  const shoot = async (name: string, settings: object) => {
    await stage.host.do('update', { source: 'cam', filter: 'matte', settings })
    await stage.host.pass(25)
    await stage.host.capture([], [], '/tmp/e/x.bgra')
    await stage.host.captured(1, { stop: true })
    execFileSync('sh', ['-c', `head -c 230400 /tmp/e/x.bgra > /tmp/e/y.bgra; ffmpeg -v error -y -f lavfi -i color=c=0x4060ff:s=320x180 -f rawvideo -pix_fmt bgra -s 320x180 -i /tmp/e/y.bgra -filter_complex '[0][1]overlay=format=rgb' -frames:v 1 /tmp/e/${name}.png`])
  }
  await shoot('a-result', {})
  await shoot('b-blur', { background: 'blur', stamp: false, blur_radius: 64 })
  await shoot('c-alpha', { view: 'alpha' })
  await shoot('d-foreground', { view: 'foreground', feather: 8 })
  sidecar.behave({ taking: false })
  await shoot('e-policy-blur', { view: 'result', background: 'remove', when_unavailable: 'blur', feather: 0 })
  await shoot('f-policy-freeze', { when_unavailable: 'freeze' })
  execFileSync('sh', ['-c', 'cd /tmp/e && ffmpeg -v error -y -i a-result.png -i b-blur.png -i c-alpha.png -i d-foreground.png -i e-policy-blur.png -i f-policy-freeze.png -filter_complex "[0][1][2]hstack=3[t];[3][4][5]hstack=3[b];[t][b]vstack" all.png'])
  await stage.close()
  expect(1).toBe(1)
}, 60000)
