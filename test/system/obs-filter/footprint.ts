/** What a process holds, as the kernel counts it. */
import { readdirSync, readFileSync } from 'node:fs'

export interface Footprint {
  readonly descriptors: number
  readonly mappings: number
  /** Those of shared memory: channels, and nothing else here. */
  readonly shared: number
  readonly threads: number
  readonly residentMiB: number
}

export function footprintOf(pid: number): Footprint {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1])
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8')
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    mappings: maps.split('\n').length - 1,
    shared: maps.split('/memfd:').length - 1,
    threads: field('Threads'),
    residentMiB: field('VmRSS') / 1024,
  }
}
