import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cudaEnvironment } from '../../settings/cuda-folder.ts'

// Beside this folder, and compiled or not as this file is.
const PROGRAM = fileURLToPath(new URL(`../inference/inference-process${extname(import.meta.url)}`, import.meta.url))

/**
 * Forks an inference process, which waits for its `start`. Loading its modules takes it half a second, as it takes this
 * process: whoever will need one forks it before all else.
 */
export function forkInference(program = PROGRAM): ChildProcess {
  return fork(program, [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
    // A debugger's port, or a loader, is the parent's own.
    execArgv: [],
    // Ctrl-C goes to every process of the terminal's group; this one is told to retire instead.
    detached: true,
    env: cudaEnvironment(),
  })
}

/** Lets this process end while a child that nobody needs after all waits; the child ends with it. */
export function letGo(child: ChildProcess): ChildProcess {
  child.unref()
  for (const handle of handlesOf(child)) handle.unref()
  return child
}

/** Takes hold of a child that was let go; undefined where it has died. */
export function takeHold(child: ChildProcess): ChildProcess | undefined {
  if (!child.connected || child.exitCode !== null || child.signalCode !== null) return undefined
  child.ref()
  for (const handle of handlesOf(child)) handle.ref()
  return child
}

/** What else keeps this process from ending: its pipes to the child. */
function handlesOf({ channel, stdout, stderr }: ChildProcess): { ref(): void; unref(): void }[] {
  // The pipes of a child are sockets.
  const pipes = [stdout, stderr] as (Socket | null)[]
  return [channel, ...pipes].filter((handle) => handle !== null && handle !== undefined)
}
