import { isIPv4, isIPv6 } from 'node:net'

/**
 * An IP address as browsers write it, so that it can be compared: `2001:DB8::0001` is `2001:db8::1`, and
 * `0:0:0:0:0:0:0:1` is `::1`. Undefined: it is none.
 */
export function listenAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  if (!isIPv6(text)) return undefined
  // The zone of a link-local address is this machine's own affair, and no browser's.
  const [address, ...zone] = text.split('%')
  const host = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  return [host, ...zone].join('%')
}
