import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Names of the abstract sockets of ours that a process has open, as every user of the machine can read them. */
export function abstractSockets(pid: number): string[] {
  const inodes = readdirSync(`/proc/${pid}/fd`).map((descriptor) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1]
    } catch {
      return undefined
    }
  })
  return readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/ +/))
    .filter(([, , , , , , inode, name = '']) => name.startsWith('@mattebox-') && inodes.includes(inode))
    .map((columns) => `\0${columns[7].slice(1)}`)
}
