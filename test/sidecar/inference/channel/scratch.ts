import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A path for a socket, in a folder of its own that `using` takes away. */
export function scratchSocket(): { path: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'mattebox-channel-'))
  return { path: join(folder, 'channel.sock'), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

/** What this process holds; `shared`: mappings of channels' memory. */
export function figures(): { descriptors: number; shared: number; residentKib: number } {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    shared: readFileSync('/proc/self/maps', 'utf8').split('/memfd:').length - 1,
    residentKib: process.memoryUsage.rss() / 1024,
  }
}

/** Resolves once `met` holds. @throws after two seconds */
export async function until(met: () => boolean): Promise<void> {
  const end = performance.now() + 2000
  while (!met()) {
    if (performance.now() > end) throw new Error(`not met: ${met.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
