import { describe } from 'vitest'
import { cannotRunObs } from './built-plugin.ts'
import { describeTheConnection } from './connection-cases.ts'

describe.skipIf(cannotRunObs())("this machine's OBS by its WebSocket", () => {
  describeTheConnection({})
})
