/** Seen red: every user's processes counted; the control group not looked at. */
import { spawn } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runningObs } from '../../src/obs/running-obs.ts'
import { Stage } from './stage.ts'

describe('whether OBS runs', () => {
  it.skipIf(process.platform !== 'linux')('is seen in the kernel’s list of processes', async () => {
    using stage = new Stage()
    const around = { ...stage.around(), procFolder: '/proc' }
    const before = runningObs(around).has('native')
    // A real process of that name, which does nothing.
    copyFileSync('/bin/sleep', join(stage.bin, 'obs'))
    const child = spawn(join(stage.bin, 'obs'), ['60'], { stdio: 'ignore' })
    try {
      await once(child, 'spawn')
      await expect.poll(() => runningObs(around).has('native')).toBe(true)
      expect(runningObs(around, 4_000_000)).toEqual(new Set())
    } finally {
      child.kill()
      await once(child, 'exit')
    }
    expect(runningObs(around).has('native')).toBe(before)
  })

  it('tells Flatpak’s and Snap’s apart, and no other process counts', () => {
    using stage = new Stage()
    const process = (pid: number, comm: string, cgroup: string, environ = ''): void => {
      stage.file(join(stage.proc, String(pid), 'comm'), `${comm}\n`)
      stage.file(join(stage.proc, String(pid), 'cgroup'), cgroup)
      stage.file(join(stage.proc, String(pid), 'environ'), environ)
    }
    process(10, 'obs-browser-page', '0::/user.slice')
    process(11, 'bash', '0::/user.slice')
    expect(runningObs(stage.around())).toEqual(new Set())
    process(12, 'obs', '0::/user.slice/app.slice/app-flatpak-com.obsproject.Studio-4711.scope')
    expect(runningObs(stage.around())).toEqual(new Set(['flatpak']))
    process(13, 'obs', '0::/user.slice', 'HOME=/home/me\0SNAP_NAME=obs-studio\0')
    process(14, 'obs', '0::/user.slice/session-2.scope')
    expect(runningObs(stage.around())).toEqual(new Set(['flatpak', 'snap', 'native']))
  })
})
