import { existsSync } from 'node:fs'

const PLACES = [
  process.env['MATTEBOX_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
]

/** The browser that the panel is tested in; undefined where there is none: those tests are left out then. */
export const chromiumPath = PLACES.find((place) => place !== undefined && existsSync(place))
