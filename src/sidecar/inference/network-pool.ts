import { Tensor, type InferenceSession } from 'onnxruntime-common'
import type { ProviderName } from '../../settings/index.ts'
import type { Planes } from '../../model/blocks/refiner.ts'
import { emitNetwork, NETWORK_IO, stateShapes } from '../../model/network.ts'
import type { Weights } from '../../model/weights/tensor.ts'
import { collectGarbage } from './collect-garbage.ts'
import { createSession } from './runtime.ts'

/** What all networks of a pool have in common. */
export interface NetworkOptions {
  /** Asked for each time a network is built, and not kept: they are 15 MB that nobody needs while it runs. */
  readonly weights: () => Weights | Promise<Weights>
  readonly provider: ProviderName
  /** Which GPU CUDA runs on, from 0; undefined = the first. */
  readonly device?: number | undefined
  /** Threads of the CPU provider; undefined = as the machine has. */
  readonly threads?: number | undefined
  readonly precision?: 'fp32' | 'fp16'
}

/** What tells two networks of a pool apart. */
export interface NetworkKey {
  /** The low resolution, multiples of 16. */
  readonly width: number
  readonly height: number
  readonly refiner: 'deep' | 'fast' | 'none'
  readonly planes: Planes
}

/** A network that was built. It has no memory: the states go in and come out with every run. */
export interface Network extends NetworkKey {
  readonly session: InferenceSession
}

/** A hold on a network, to be let go of once. */
export interface Lease {
  readonly network: Network
  release(): Promise<void>
}

interface Entry {
  readonly network: Promise<Network>
  holders: number
}

/**
 * Networks of one model on one provider, built when they are first wanted and shared by all who want the same: two
 * cameras of one size need one. The last one that nobody holds any more is kept, for whoever changes his mind.
 *
 * Building blocks the JavaScript thread, as all that onnxruntime does.
 */
export class NetworkPool {
  readonly #options: NetworkOptions
  /** In the order in which they were wanted last. */
  readonly #entries = new Map<string, Entry>()
  readonly #keep: number
  readonly #warm = new WeakSet<Network>()
  #buildMs: number | undefined

  /** @param keep - how many networks that nobody holds stay */
  constructor(options: NetworkOptions, keep = 0) {
    this.#options = options
    this.#keep = keep
  }

  get provider(): ProviderName {
    return this.#options.provider
  }

  /** How long the last build and its first run blocked, in milliseconds; undefined before the first. */
  get buildMs(): number | undefined {
    return this.#buildMs
  }

  /** Whether `acquire` would answer without building. */
  has(key: NetworkKey): boolean {
    return this.#entries.has(networkName(key))
  }

  /** The network for a key, built if need be. Rejects as `createSession` throws; nothing is kept then. */
  async acquire(key: NetworkKey): Promise<Lease> {
    const text = networkName(key)
    const entry = this.#entries.get(text) ?? { network: this.#build(key), holders: 0 }
    this.#entries.delete(text)
    this.#entries.set(text, entry)
    entry.holders++
    let network: Network
    try {
      network = await entry.network
    } catch (error) {
      this.#entries.delete(text)
      throw error
    }
    let held = true
    const release = async (): Promise<void> => {
      if (!held) return
      held = false
      entry.holders--
      await this.#trim()
    }
    return { network, release }
  }

  /** Runs a network on an empty picture, unless that was done, so that the first step is as fast as the others. */
  async warm({ network }: Lease): Promise<void> {
    if (this.#warm.has(network)) return
    this.#warm.add(network)
    const { width, height, session } = network
    const began = performance.now()
    const out = await session.run(feedsOf(network, new Uint8Array(width * height * 4), zeroStates(width, height)))
    disposeTensors(Object.values(out))
    this.#buildMs = (this.#buildMs ?? 0) + performance.now() - began
  }

  async #build(key: NetworkKey): Promise<Network> {
    const { weights, provider, device, threads, precision = 'fp32' } = this.#options
    const began = performance.now()
    const model = emitNetwork(await weights(), { ...key, precision })
    const session = await createSession(model, {
      provider,
      device,
      ...(threads === undefined ? {} : { threads }),
      ...(provider === 'webgpu' ? { outputsOnGpu: NETWORK_IO.nextStates } : {}),
    })
    collectGarbage()
    this.#buildMs = performance.now() - began
    return { ...key, session }
  }

  async #trim(): Promise<void> {
    const idle = [...this.#entries].filter(([, { holders }]) => holders === 0)
    for (const [text, { network }] of idle.slice(0, Math.max(0, idle.length - this.#keep))) {
      this.#entries.delete(text)
      await (await network).session.release()
    }
  }
}

/** Recurrent states of no memory. */
export function zeroStates(width: number, height: number): Tensor[] {
  return stateShapes(1, height, width).map((shape) => {
    const size = shape.reduce((product, side) => product * side, 1)
    return new Tensor('float32', new Float32Array(size), shape)
  })
}

/** A frame (uint8 [height, width, 4] BGRA) and states, as the network takes them. */
export function feedsOf(
  { width, height }: Network,
  frame: Uint8Array,
  states: readonly Tensor[],
): Record<string, Tensor> {
  return {
    [NETWORK_IO.frame]: new Tensor('uint8', frame, [1, height, width, 4]),
    ...Object.fromEntries(NETWORK_IO.states.map((name, index) => [name, states[index]])),
  }
}

/** States that live on a GPU are freed at once, not when the collector comes by. */
export function disposeTensors(tensors: readonly { readonly location: string; dispose(): void }[]): void {
  for (const tensor of tensors) if (tensor.location === 'gpu-buffer') tensor.dispose()
}

/** Tells networks of a pool apart. */
export function networkName({ width, height, refiner, planes }: NetworkKey): string {
  return `${width}x${height} ${refiner} ${planes}`
}
