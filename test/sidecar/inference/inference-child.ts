import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeModelFile } from '../../../src/model/weights/index.ts'
import type { Weights } from '../../../src/model/weights/tensor.ts'
import { MESSAGES } from '../../../src/sidecar/inference/channel/index.ts'
import type { FromInference, InferenceConfig, ToInference } from '../../../src/sidecar/contract/inference-process.ts'
import { FilterSettings } from '../../../src/settings/index.ts'
import { randomWeights } from '../../model/random-weights.ts'
import { FilterPeer, type PeerMatte } from '../../native/addon/filter-peer.ts'

export const DEFAULTS = Object.fromEntries(
  Object.entries(FilterSettings.properties).map(([key, { default: value }]) => [key, value]),
) as unknown as FilterSettings

/** A folder with a model of made-up weights, and a path for a socket. */
export function workshop(weights: Weights = randomWeights(3)): {
  readonly folder: string
  readonly socket: string
  readonly model: { readonly name: string; readonly path: string }
} & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'mattebox-inference-'))
  const path = join(folder, 'made-up.safetensors')
  writeFileSync(
    path,
    encodeModelFile(weights, 'fp32', { licence: 'none', source: 'made up', sourceSha256: '0'.repeat(64) }),
  )
  return {
    folder,
    socket: join(folder, 'channel.sock'),
    model: { name: 'made-up', path },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

type Heard<Kind extends FromInference['kind']> = Extract<FromInference, { kind: Kind }>

/** The inference process as the main process starts it. */
export class InferenceChild {
  readonly heard: FromInference[] = []
  /** When each was heard, `performance.now()`. */
  readonly heardAt: number[] = []
  #waiting: (() => void)[] = []
  stderr = ''

  private constructor(readonly child: ChildProcess) {
    child.on('message', (message: FromInference) => {
      this.heard.push(message)
      this.heardAt.push(performance.now())
      for (const wake of this.#waiting.splice(0)) wake()
    })
    child.on('exit', () => {
      for (const wake of this.#waiting.splice(0)) wake()
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
  }

  static start(
    path: string,
    config: Pick<InferenceConfig, 'model' | 'socket'> & Partial<InferenceConfig>,
  ): InferenceChild {
    const child = fork(path, [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const started = new InferenceChild(child)
    started.say({
      kind: 'start',
      config: { version: '1.2.3', provider: 'cpu', avoid: [], plans: [], takesOver: false, threads: 1, ...config },
    })
    return started
  }

  say(message: ToInference): void {
    this.child.send(message)
  }

  /** The first message of a kind that is as wished, heard already or later. @throws where it ends before, or after 10 s */
  async hears<Kind extends FromInference['kind']>(
    kind: Kind,
    wished: (message: Heard<Kind>) => boolean = () => true,
  ): Promise<Heard<Kind>> {
    const end = performance.now() + 10_000
    for (;;) {
      const found = this.heard.find((message) => message.kind === kind && wished(message as Heard<Kind>))
      if (found) return found as Heard<Kind>
      if (this.hasEnded || performance.now() > end) {
        throw new Error(
          `no ${kind} (ended: ${this.hasEnded}); ${this.stderr}\n${JSON.stringify(this.heard).slice(-2000)}`,
        )
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500)
        this.#waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** How it ended, once it has. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    if (!this.hasEnded) await once(this.child, 'exit')
    return this.child.exitCode ?? this.child.signalCode
  }

  async end(): Promise<void> {
    if (this.hasEnded) return
    this.child.kill('SIGKILL')
    await this.ended()
  }
}

/** A filter that has joined and said its settings. */
export async function joinedFilter(
  socket: string,
  hello: Parameters<FilterPeer['join']>[1] = {},
  settings: Partial<FilterSettings> = {},
): Promise<FilterPeer> {
  const peer = FilterPeer.start()
  await peer.join(socket, { width: 64, height: 48, ...hello })
  await peer.do(`send ${MESSAGES.settings} ${JSON.stringify({ ...DEFAULTS, ...settings })}`)
  return peer
}

/** Sends frames from `first` on until one is answered: frames before the network is there are given up. */
export async function firstMatte(peer: FilterPeer, first = 1, epoch = 1): Promise<PeerMatte> {
  for (let id = first; id < first + 200; id++) {
    // The ring is full while a network is built.
    if (await peer.frame(id, epoch)) await peer.do('bell')
    const matte = await peer.matte(50).catch(() => undefined)
    if (matte) return matte
  }
  throw new Error('no frame was answered')
}

/** Reads mattes until none comes any more, on a busy machine too: a film must not meet one of before. */
export async function drained(peer: FilterPeer): Promise<void> {
  while (
    await peer.matte(2000).then(
      () => true,
      () => false,
    )
  );
}
