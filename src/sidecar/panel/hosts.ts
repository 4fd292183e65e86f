import { isIP, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Addresses that only this machine reaches, and those that mean every one it has. */
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1)$/
const WILDCARDS = ['0.0.0.0', '::']

export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address)
}

/** Where to listen: this machine is always served, since the camera works nowhere else; a wildcard includes it. */
export function listenAddresses(listen: string): string[] {
  return WILDCARDS.includes(listen) || listen === '127.0.0.1' ? [listen] : ['127.0.0.1', listen]
}

/** Values of a Host header that mean us. Another name that leads here is somebody's trick (DNS rebinding). */
export function ownHosts(port: number, listen: string): Set<string> {
  const names = ['127.0.0.1', 'localhost', ...(WILDCARDS.includes(listen) ? ownAddresses() : [listen])]
  return new Set(
    names.flatMap((name) => {
      // Nobody sends a zone: it is each machine's own.
      const host = isIPv6(name) ? `[${name.split('%')[0]}]` : name
      return port === 80 ? [host, `${host}:80`] : [`${host}:${port}`]
    }),
  )
}

/** The address to give to another device; undefined where only this machine is served. */
export function outsideAddress(listen: string): string | undefined {
  if (isLoopback(listen)) return undefined
  return WILDCARDS.includes(listen)
    ? ownAddresses().find((address) => isIP(address) === 4 && !isLoopback(address))
    : listen
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((found) => found?.map(({ address }) => address) ?? [])
}
