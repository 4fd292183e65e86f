import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Surroundings } from '../../src/obs/index.ts'

/**
 * A machine made of folders: a home, a folder of programs, and what stands in for /snap and /proc. flatpak, snap and
 * systemctl are not here: small scripts say what they would say.
 */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'mattebox-obs-'))
  readonly home = join(this.folder, 'home')
  readonly bin = join(this.folder, 'bin')
  readonly snap = join(this.folder, 'snap')
  readonly proc = join(this.folder, 'proc')

  constructor() {
    for (const folder of [this.home, this.bin, this.proc]) mkdirSync(folder)
  }

  /** @param path - more folders of programs, after the stage's own */
  env(path = ''): NodeJS.ProcessEnv {
    return { HOME: this.home, PATH: path ? `${this.bin}:${path}` : this.bin }
  }

  around(path = ''): Surroundings {
    return { env: this.env(path), snapFolder: this.snap, procFolder: this.proc }
  }

  /** A script on the PATH. */
  program(name: string, script: string): string {
    return this.file(join(this.bin, name), `#!/bin/sh\n${script}\n`, 0o755)
  }

  /** An OBS that only says its version. */
  obs(version = '31.0.1'): string {
    return this.program('obs', `[ "$1" = --version ] && echo "OBS Studio - ${version} (linux)"`)
  }

  flatpak(version = '32.0.4'): string {
    return this.program('flatpak', `[ "$*" = "info com.obsproject.Studio" ] && echo "     Version: ${version}"`)
  }

  file(path: string, content: string | Uint8Array, mode = 0o644): string {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    chmodSync(path, mode)
    return path
  }

  /** Where the native OBS looks for our plugin, and Flatpak's. */
  get native(): string {
    return join(this.home, '.config', 'obs-studio', 'plugins', 'mattebox')
  }

  get flatpaks(): string {
    return join(this.home, '.var', 'app', 'com.obsproject.Studio', 'config', 'obs-studio', 'plugins', 'mattebox')
  }

  /** All that is in the home. */
  tree(folder = this.home): string[] {
    return readdirSync(folder, { recursive: true }).map(String).sort()
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

interface MadeUp {
  readonly version?: string
  readonly wire?: number
  /** In the ELF header: 62 x64, 183 arm64. */
  readonly machine?: number
  readonly binary?: Buffer
}

/** A plugin's folder whose binary is an ELF header and filling, unless one is given: for all but loading it. */
export function madeUpPlugin(stage: Stage, folder: string, given: MadeUp = {}): string {
  const { version = '0.1.0', wire = 1, machine = process.arch === 'arm64' ? 183 : 62 } = given
  const binary = given.binary ?? elf(machine, version.repeat(4000))
  const sha256 = createHash('sha256').update(binary).digest('hex')
  stage.file(join(folder, 'bin', '64bit', 'mattebox.so'), binary)
  stage.file(join(folder, 'data', 'locale', 'en-US.ini'), 'Name="mattebox"\n')
  stage.file(join(folder, 'manifest.json'), JSON.stringify({ name: 'mattebox', version, wire, sha256 }))
  return folder
}

function elf(machine: number, filling: string): Buffer {
  const header = Buffer.alloc(64)
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  header.writeUInt16LE(machine, 18)
  return Buffer.concat([header, Buffer.from(filling)])
}
