import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | undefined

/**
 * Frees what nothing refers to any more, at once. After a network is built, its emitted bytes and the weights that it
 * was emitted from (60 MB) would stay until the collector comes by, under the first steps' peak.
 */
export function collectGarbage(): void {
  if (!collect) {
    // V8's own function, which the flag adds to every context made after it.
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}
