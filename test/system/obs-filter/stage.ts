/**
 * What most tests of the filter stand on: the libobs host with the plugin, and a fake sidecar that answers the test
 * picture with a matte which carries the frame's number.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeSidecarProcess, type PlainBehaviour } from '../../fake-sidecar/fake-sidecar-process.ts'
import type { FakeConnection } from '../../fake-sidecar/fake-connection.ts'
import { FakeSidecar, type RecordedMessage } from '../../fake-sidecar/fake-sidecar.ts'
import type { Behaviour } from '../../fake-sidecar/behaviour.ts'
import { missingForObs } from '../../native/obs-host/build.ts'
import { ObsHost, type HostOptions, type OutputFrame } from '../../native/obs-host/obs-host.ts'
import { expect } from 'vitest'
import type { FilterStats } from '../../../src/sidecar/inference/channel/index.ts'

/** Why these tests cannot run here; undefined where they can. */
export const missing = missingForObs()
if (missing !== undefined) console.warn(`The tests of the OBS filter are skipped: ${missing}.`)

/** The long form of tests that have two. */
export const full = process.env['MATTEBOX_FULL'] === '1'

/** The test picture at a quarter: what the network would see is 80x48, and cheap. A busy machine needs the delay. */
export const QUICK = { ratio: 0.25, max_delay_ms: 500 } as const

/** OBS, and where a sidecar would listen; with or without one. */
export class Stage {
  private readonly folder = mkdtempSync(join(tmpdir(), 'obs-filter-'))
  readonly socket = join(this.folder, 'channel.sock')
  host!: ObsHost
  private readonly toEnd: (() => Promise<unknown>)[] = []

  static async open(options: Omit<HostOptions, 'socket'> = {}): Promise<Stage> {
    const stage = new Stage()
    stage.host = await ObsHost.start({ ...options, socket: stage.socket })
    return stage
  }

  /** A fake sidecar in this process: what it saw is at hand. */
  sidecar(behaviour: Partial<Behaviour> = {}): FakeSidecar {
    const fake = new FakeSidecar({ socket: this.socket, behaviour: { matte: 'test-picture', ...behaviour } })
    this.toEnd.push(() => (fake.open.length > 0 ? fake.close() : Promise.resolve()))
    return fake
  }

  /** A fake sidecar in a process of its own: to be killed and stopped. */
  async sidecarProcess(behaviour: Partial<PlainBehaviour> = {}): Promise<FakeSidecarProcess> {
    const fake = await FakeSidecarProcess.start({
      socket: this.socket,
      behaviour: { matte: 'test-picture', ...behaviour },
    })
    this.toEnd.push(() => fake.close())
    return fake
  }

  /** A picture source with our filter, at the top left of a scene of its own, which becomes the program. */
  async show(
    settings: Readonly<Record<string, unknown>> = {},
    { kind = 'picture', source = 'cam', picture = {} }: Show = {},
  ): Promise<void> {
    await this.host.create(kind, source, picture)
    await this.host.addFilter(source, 'matte', { ...QUICK, ...settings })
    await this.host.scene(`${source} scene`, [{ source }])
    await this.host.program(`${source} scene`)
  }

  /** Ends all that was started. */
  async close(): Promise<void> {
    await this.host.kill()
    for (const end of this.toEnd) await end()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

interface Show {
  readonly kind?: 'picture' | 'picture-hdr' | 'camera'
  readonly source?: string
  readonly picture?: Readonly<Record<string, unknown>>
}

/**
 * Takes output frames until one is as wished.
 *
 * @throws {Error} with what was last seen where that takes longer than `limitMs`
 */
export async function until(
  host: ObsHost,
  capture: Parameters<ObsHost['frames']> extends [number, ...infer Rest] ? Rest : never,
  wished: (frame: OutputFrame) => boolean,
  limitMs = 8000,
): Promise<OutputFrame> {
  const end = performance.now() + limitMs
  let last: OutputFrame | undefined
  while (performance.now() < end) {
    const frames = await host.frames(5, ...capture)
    last = frames.at(-1)!
    if (wished(last)) return last
  }
  throw new Error(`Not seen within ${limitMs} ms; the last frame was ${JSON.stringify(last).slice(0, 600)}`)
}

/** OBS's clock, which is that of output frames and of captures, ms. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** What a filter sent that was never answered, as far as it counts it (row 9). */
export function lostOf({ dropped: { unanswered = 0, lost = 0 } }: Pick<FilterStats, 'dropped'>): number {
  return unanswered + lost
}

/** The last connection of the filter on a source. */
export function connectionOf(sidecar: FakeSidecar, source = 'cam'): FakeConnection {
  const found = sidecar.connections.findLast(({ channel }) => channel.hello.source === source)
  if (found === undefined) throw new Error(`The filter on ${source} never connected`)
  return found
}

/** The next figures that the filter on a source tells. */
export async function nextStats(sidecar: FakeSidecar, source = 'cam'): Promise<FilterStats> {
  const { number } = connectionOf(sidecar, source)
  for (;;) {
    const [message] = (await once(sidecar, 'message')) as [RecordedMessage]
    if (message.name === 'stats' && message.connection === number) return message.body
  }
}

/** Resets that the filter on a source told after its first, by reason, in order. */
export function resetsOf(sidecar: FakeSidecar, source = 'cam'): string[] {
  return sidecar.messages.flatMap((message) =>
    message.name === 'reset' &&
    message.body.reason !== 'first' &&
    sidecar.connections[message.connection].channel.hello.source === source
      ? [message.body.reason]
      : [],
  )
}

/**
 * Reliability row 9: once the source shows nothing new, what was sent is answered or dropped for a reason, exactly, on
 * both sides; in = answered + dropped. For filters that had one connection only.
 */
export async function expectAccounted(stage: Stage, sidecar: FakeSidecar, source = 'cam'): Promise<void> {
  await stage.host.updateSource(source, { every: 0, paused: true })
  const total = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((sum, count) => sum + count, 0)
  const sums = (filter: FilterStats) => {
    const { received, answered, dropped } = connectionOf(sidecar, source).counters
    return [filter.sent, received, answered + total(dropped), filter.answered + lostOf(filter)]
  }
  // What is under way ends, and the filter tells once a second.
  await stage.host.pass(Math.ceil(stage.host.fps * 0.6))
  let found = sums(await nextStats(sidecar, source))
  for (let n = 0; n < 3 && new Set(found).size > 1; n++) found = sums(await nextStats(sidecar, source))
  const [sent] = found
  expect(found).toEqual([sent, sent, sent, sent])
}
