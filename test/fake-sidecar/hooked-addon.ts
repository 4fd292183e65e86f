import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { loadAddon, type Addon, type NativeChannel } from '../../src/sidecar/inference/channel/addon.ts'

/** The addon's channel with the hooks of test/native/addon/hooks.cc. */
export interface HookedChannel extends NativeChannel {
  hookMatte(
    fields: { frameId: number; epoch: number; planes: number; width: number; height: number; reason: number },
    texels: Uint8Array,
  ): boolean
  hookSend(bytes: Uint8Array): boolean
  hookIndexes(): void
  hookReading(on: boolean): void
}

const OUTPUT = resolve('build/test/hooked.node')

/**
 * Compiles, if need be, and loads an addon of the real sources that can also break the rules.
 *
 * @param adopted - hears of each channel as it is accepted
 */
export function loadHookedAddon(adopted: (channel: HookedChannel) => void): Addon {
  execFileSync(
    process.execPath,
    [
      'native/addon/build.mjs',
      ...['--output', OUTPUT, '--define', 'MB_TEST_HOOKS', '--source', resolve('test/native/addon/hooks.cc')],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const addon = loadAddon([createRequire(import.meta.url).resolve(OUTPUT)])
  return {
    ...addon,
    ChannelServer: class extends addon.ChannelServer {
      constructor(...[path, handlers]: ConstructorParameters<Addon['ChannelServer']>) {
        super(path, {
          ...handlers,
          accepted: (channel) => {
            adopted(channel as HookedChannel)
            handlers.accepted(channel)
          },
        })
      }
    },
  }
}
