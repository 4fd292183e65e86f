import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeModelFile } from '../../src/model/weights/index.ts'
import { randomWeights } from '../model/random-weights.ts'

const main = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js')

export const demoClip = join(import.meta.dirname, '..', '..', 'demo', 'astronaut.webm')
export const demoTruth = join(import.meta.dirname, '..', '..', 'demo', 'astronaut.alpha.mkv')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The built program as a process of its own, with an empty home: no model is installed. */
export class Cli {
  readonly folder = mkdtempSync(join(tmpdir(), 'mattebox-cli-'))

  path(name: string): string {
    return join(this.folder, name)
  }

  /** A model of made-up weights: fast to have, and its mattes mean nothing. */
  async randomModel(): Promise<string> {
    const path = this.path('random.safetensors')
    const provenance = { licence: 'none', source: 'made up', sourceSha256: '0'.repeat(64) }
    if (!existsSync(path)) await writeFile(path, encodeModelFile(randomWeights(5), 'fp16', provenance))
    return path
  }

  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    if (!existsSync(main)) throw new Error('These tests run the built program: npm run build')
    return spawn(process.execPath, [main, ...args], {
      cwd: this.folder,
      env: {
        ...process.env,
        HOME: this.folder,
        XDG_DATA_HOME: this.path('data'),
        MATTEBOX_SHIPPED_MODELS: this.path('shipped'),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return ended(this.start(args, env))
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Waits for a process and gathers what it said. */
export function ended(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ['', '']
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}
