import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ChannelCounters } from '../../src/sidecar/inference/channel/addon.ts'
import type { Complaint } from '../../src/errors/index.ts'
import type { Behaviour, RecordedFrame } from './behaviour.ts'
import type { FakeSidecarOptions, RecordedMessage } from './fake-sidecar.ts'

/** Behaviour without functions, as it goes to another process. */
export type PlainBehaviour = Omit<Behaviour, 'matte'> & { readonly matte: Extract<Behaviour['matte'], string> }

/** What a fake sidecar saw until now. */
export interface Report {
  readonly frames: RecordedFrame[]
  readonly messages: RecordedMessage[]
  readonly refused: Complaint[]
  /** By connection. */
  readonly counters: ChannelCounters[]
  /** Connections that are open. */
  readonly open: number
}

/** A method of one connection's channel, called from afar. */
export type Call =
  | { readonly method: 'set'; readonly argument: object }
  | { readonly method: 'cover'; readonly argument: boolean }
  | { readonly method: 'reset' | 'bye' | 'close' | 'breakIndexes' }
  | { readonly method: 'sendText'; readonly name: string; readonly text: string }

export type ToFake =
  | { readonly to: 'behave'; readonly changes: Partial<PlainBehaviour> }
  | { readonly to: 'report' }
  | { readonly to: 'call'; readonly connection: number; readonly call: Call }

export type FromFake = { readonly from: 'listening' } | { readonly from: 'report'; readonly report: Report }

type Options = Omit<FakeSidecarOptions, 'behaviour'> & { readonly behaviour?: Partial<PlainBehaviour> }

/** A `FakeSidecar` in a process of its own: `child` may be stopped and killed. */
export class FakeSidecarProcess {
  private constructor(readonly child: ChildProcess) {}

  /** Compiles it, if need be, and waits until it listens. */
  static async start(options: Options): Promise<FakeSidecarProcess> {
    compile()
    const child = fork(resolve('build/fake-sidecar/test/fake-sidecar/main.js'), [JSON.stringify(options)], {
      execArgv: [],
    })
    const fake = new FakeSidecarProcess(child)
    await fake.#heard('listening')
    return fake
  }

  behave(changes: Partial<PlainBehaviour>): void {
    this.#say({ to: 'behave', changes })
  }

  /** Calls a method of a connection, by its number. */
  call(connection: number, call: Call): void {
    this.#say({ to: 'call', connection, call })
  }

  async report(): Promise<Report> {
    const answer = this.#heard('report')
    this.#say({ to: 'report' })
    return (await answer).report
  }

  /** Sends a signal; with one that ends it, resolves when it has ended. */
  async signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const ends = signal === 'SIGKILL' || signal === 'SIGTERM'
    const ended = ends ? once(this.child, 'exit') : undefined
    this.child.kill(signal)
    await ended
  }

  /** Ends it, if it still runs. */
  async close(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.signal('SIGKILL')
  }

  #say(message: ToFake): void {
    this.child.send(message)
  }

  #heard<Name extends FromFake['from']>(name: Name): Promise<Extract<FromFake, { from: Name }>> {
    return new Promise((resolve, reject) => {
      const exited = (): void => reject(new Error('the fake sidecar ended'))
      const listen = (message: unknown): void => {
        if ((message as FromFake).from !== name) return
        this.child.off('message', listen)
        this.child.off('exit', exited)
        resolve(message as Extract<FromFake, { from: Name }>)
      }
      this.child.on('message', listen)
      this.child.once('exit', exited)
    })
  }
}

/** The sources as JavaScript, where they are newer than the last time. */
function compile(): void {
  const stamp = 'build/fake-sidecar/stamp'
  const sources = ['src', 'test/fake-sidecar', 'test/model/seeded-random.ts'].flatMap(filesIn)
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs))
  if ((statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest) return
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'test/fake-sidecar/tsconfig.json'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  writeFileSync(stamp, '')
}

function filesIn(path: string): string[] {
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(path, name))
}
