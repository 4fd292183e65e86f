/**
 * A libobs process without a window (host.c), for tests: real sources, real filters, real compositing, and every output
 * frame read back. Commands are answered in order.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { buildHost, buildPlugin, ownModule, type ObsModule } from './build.ts'
import { Display } from './display.ts'
import type { Area, Pixel, Point } from './picture.ts'

/** What an output frame holds of an area. */
export interface AreaFigures {
  /** Pixels that show the room's green. */
  readonly room: number
  /** Pixels with alpha over 250, and under 5. */
  readonly opaque: number
  readonly clear: number
  /** Largest difference of neighbouring pixels in a channel, 0..255 in linear light, weighted by alpha: detail. */
  readonly step: number
  /** Of its pixels. */
  readonly hash: string
}

/** An output frame as it was read back. */
export interface OutputFrame {
  readonly timestampMs: number
  /** Of all pixels. */
  readonly hash: string
  /** At the points asked for, in their order. */
  readonly points: readonly Pixel[]
  readonly areas: readonly AreaFigures[]
}

/** CPU time of the filter's callbacks on the graphics thread per output frame, drawing left out (cost.c). */
export interface Cost {
  readonly frames: number
  readonly calls: number
  /** Voluntary context switches in the filters' callbacks: how often the thread was made to wait. */
  readonly waits: number
  /** The same in the plugin's own tick callback, which asks libobs for the program scene. */
  readonly watchWaits: number
  readonly medianMs: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly worstMs: number
  /** What OBS calls beside ticks and frames, on whatever thread; renaming is the signal. */
  readonly others: Readonly<Record<'create' | 'destroy' | 'update' | 'properties' | 'rename', CallCost>>
}

export interface CallCost {
  readonly calls: number
  /** Voluntary context switches, graphics left out. */
  readonly waits: number
  /** By the clock on the wall, graphics and all. */
  readonly worstMs: number
}

export interface VideoFigures {
  /** Output frames, those among them that are the frame before again because drawing took too long, and those lost. */
  readonly rendered: number
  readonly lagged: number
  readonly skipped: number
  readonly averageMs: number
  /** Allocated by malloc. */
  readonly heapBytes: number
}

type Json = Readonly<Record<string, unknown>>
type Settings = Readonly<Record<string, string | number | boolean>> | Json

export interface HostOptions {
  /** Where the sidecar listens; the filter finds it by MATTEBOX_SOCKET. */
  readonly socket: string
  readonly width?: number
  readonly height?: number
  readonly fps?: number
  readonly env?: Readonly<Record<string, string>>
  /** Another build of the plugin, or none: the baseline. Default: as it is built for users. */
  readonly plugin?: ObsModule | 'none'
}

interface RawFrame {
  readonly timestampMs: number
  readonly hash: string
  readonly points: string
  readonly areas: readonly AreaFigures[]
}

function pixelsOf(hex: string): Pixel[] {
  const bytes = Buffer.from(hex, 'hex')
  return Array.from({ length: bytes.length / 4 }, (_, n) => ({
    b: bytes[n * 4],
    g: bytes[n * 4 + 1],
    r: bytes[n * 4 + 2],
    a: bytes[n * 4 + 3],
  }))
}

export class ObsHost {
  private readonly waiting: ((answer: Json) => void)[] = []
  private logText = ''

  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, Readable>,
    private readonly display: Display,
    private readonly home: string,
    readonly fps: number,
  ) {
    createInterface(child.stdout).on('line', (line) => this.waiting.shift()?.(JSON.parse(line) as Json))
    child.stderr.on('data', (chunk: Buffer) => (this.logText += chunk.toString()))
    child.stdin.on('error', () => undefined) // a host that died says so by its answers
    child.on('close', (code, signal) => {
      const error = `the host ended (${code ?? signal ?? 'unknown'}): ${this.logText.slice(-2000)}`
      for (const answer of this.waiting.splice(0)) answer({ ok: false, error })
    })
  }

  /** Builds what is stale, and starts libobs on a display of its own, with a home folder of its own. */
  static async start(options: HostOptions): Promise<ObsHost> {
    const program = buildHost()
    const modules = [ownModule('obs-transitions'), ownModule('obs-filters')]
    if (options.plugin !== 'none') modules.push(options.plugin ?? buildPlugin())
    const home = mkdtempSync(join(tmpdir(), 'obs-host-'))
    const display = await Display.start()
    const fps = options.fps ?? 30
    const child = spawn(program, [], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        XDG_CONFIG_HOME: join(home, '.config'),
        DISPLAY: display.name,
        LIBGL_ALWAYS_SOFTWARE: '1',
        // Small pictures: handing them to threads costs more than drawing them.
        LP_NUM_THREADS: '0',
        MATTEBOX_SOCKET: options.socket,
        ...options.env,
      },
    })
    const host = new ObsHost(child, display, home, fps)
    try {
      await host.do('start', {
        config: join(home, '.config'),
        width: options.width ?? 320,
        height: options.height ?? 180,
        fps,
      })
      for (const { path, data } of modules) await host.do('module', { path, data })
      await host.do('modules-done')
    } catch (error) {
      await host.kill()
      throw error
    }
    return host
  }

  get pid(): number {
    return this.child.pid!
  }

  /** What libobs and the plugin logged so far. */
  get log(): string {
    return this.logText
  }

  /**
   * One command of host.c.
   * @throws {Error} with the host's own words where it refuses, or the end of its log where it died
   */
  async do(command: string, fields: Json = {}): Promise<Json> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`the host has ended`)
    const answered = new Promise<Json>((resolve) => this.waiting.push(resolve))
    this.child.stdin.write(JSON.stringify({ do: command, ...fields }) + '\n')
    const answer = await answered
    if (answer['ok'] !== true) throw new Error(`${command}: ${String(answer['error'])}`)
    return answer
  }

  create(
    kind: 'picture' | 'picture-hdr' | 'camera' | 'clip' | 'color_source_v3',
    source: string,
    settings: Settings = {},
  ) {
    return this.do('create', { kind, source, settings })
  }

  updateSource(source: string, settings: Settings) {
    return this.do('update', { source, settings })
  }

  addFilter(source: string, filter: string, settings: Settings = {}, kind = 'mattebox_filter') {
    return this.do('add-filter', { source, filter, kind, settings })
  }

  updateFilter(source: string, filter: string, settings: Settings) {
    return this.do('update', { source, filter, settings })
  }

  removeFilter(source: string, filter: string) {
    return this.do('remove-filter', { source, filter })
  }

  async filterSettings(source: string, filter: string): Promise<Json> {
    return (await this.do('settings', { source, filter }))['settings'] as Json
  }

  /** Names and labels on the filter's properties page. */
  async properties(source: string, filter: string): Promise<readonly { name: string; label: string }[]> {
    return (await this.do('properties', { source, filter }))['properties'] as { name: string; label: string }[]
  }

  /** A scene with sources at their places. */
  async scene(scene: string, items: readonly ({ source: string } & Partial<Area>)[]): Promise<void> {
    await this.do('create-scene', { scene })
    for (const item of items) await this.do('add-item', { scene, x: 0, y: 0, ...item })
  }

  /** Makes a scene the program, by a cut or a fade. */
  program(scene: string, transition: 'cut' | 'fade' = 'cut', durationMs = 300) {
    return this.do('program', { scene, transition: `${transition}_transition`, durationMs })
  }

  showItem(scene: string, source: string, on: boolean) {
    return this.do('show-item', { scene, source, on })
  }

  /** Begins to keep output frames, from the next one on. `file`: their BGRA pixels too, to be looked at. */
  capture(points: readonly Point[], areas: readonly Area[] = [], file = '') {
    return this.do('capture', { points, areas, file })
  }

  /**
   * The frames kept since `capture` or the last call, once there are `count`.
   * @throws {Error} where they do not come in four times their time and five seconds
   */
  async captured(count: number, { stop = false } = {}): Promise<readonly OutputFrame[]> {
    const timeoutMs = (4000 * count) / this.fps + 5000
    const raw = (await this.do('captured', { count, timeoutMs, stop }))['frames'] as readonly RawFrame[]
    if (raw.length < count) throw new Error(`${raw.length} of ${count} output frames came`)
    return raw.map((frame) => ({ ...frame, points: pixelsOf(frame.points) }))
  }

  /** The next `count` output frames. */
  async frames(count: number, points: readonly Point[], areas: readonly Area[] = []): Promise<readonly OutputFrame[]> {
    await this.capture(points, areas)
    return this.captured(count, { stop: true })
  }

  /** Lets output frames pass. */
  async pass(count: number): Promise<void> {
    await this.frames(count, [])
  }

  /** A source drawn into a colour space, as premultiplied RGBA floats at points of the source. */
  async probe(
    source: string,
    space: 'srgb' | 'srgb-16f' | '709-extended',
    points: readonly Point[],
    { linear = true } = {},
  ): Promise<readonly (readonly [number, number, number, number])[]> {
    const answer = await this.do('probe', { source, space, linear, points })
    return answer['points'] as [number, number, number, number][]
  }

  /** What the filters' callbacks cost since the last call. */
  async cost(): Promise<Cost> {
    return (await this.do('cost')) as unknown as Cost
  }

  async video(): Promise<VideoFigures> {
    return (await this.do('video')) as unknown as VideoFigures
  }

  /** Leaves as OBS does. Returns what libobs counts as leaked, and how long it took until the process was gone. */
  async quit(): Promise<{ leaks: number; ms: number }> {
    const began = performance.now()
    const ended = once(this.child, 'exit')
    const answered = new Promise<Json>((resolve) => this.waiting.push(resolve))
    this.child.stdin.write('{"do":"quit"}\n')
    const limit = setTimeout(() => this.child.kill('SIGKILL'), 20_000)
    await ended
    clearTimeout(limit)
    const ms = performance.now() - began
    const answer = await answered
    await this.clean()
    if (answer['ok'] !== true) throw new Error(`quit: ${String(answer['error'])}`)
    return { leaks: answer['leaks'] as number, ms }
  }

  /** Ends the process at once, as a crash would. */
  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit')
      this.child.kill('SIGKILL')
      await ended
    }
    await this.clean()
  }

  private async clean(): Promise<void> {
    await this.display.stop()
    rmSync(this.home, { recursive: true, force: true })
  }
}
