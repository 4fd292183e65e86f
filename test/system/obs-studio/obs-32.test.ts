import { describe, expect, it } from 'vitest'
import { obsInChroot, obsVersionIn } from '../../native/obs-studio/obs-in-chroot.ts'
import { describeTheConnection } from './connection-cases.ts'
import { describeThePlugin } from './plugin-cases.ts'

/* The same binary, built against OBS 29's headers, in OBS 32: `npm run test:obs32` unpacks one and names its folder. */
const root = process.env['MATTEBOX_OBS32']

describe.skipIf(root === undefined)('the plugin in OBS 32', () => {
  it('is OBS 32 or later', () => {
    expect(Number.parseInt(obsVersionIn(root!) ?? '', 10)).toBeGreaterThanOrEqual(32)
  })

  describeThePlugin({ launcher: obsInChroot(root ?? '') })
})

describe.skipIf(root === undefined)('OBS 32 by its WebSocket', () => {
  describeTheConnection({ launcher: obsInChroot(root ?? '') })
})
