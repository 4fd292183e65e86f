import { expect, it } from 'vitest'
import { listenAddress } from '../../../src/sidecar/main/listen-address.ts'
import { isLoopback, ownHosts } from '../../../src/sidecar/panel/hosts.ts'

// Seen red: with the address as it was typed, the panel knows neither its own name nor that nobody else reaches it.

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', '0.0.0.0'],
  ['::', '::'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8::0001', '2001:db8::1'],
  ['FE80::1%eth0', 'fe80::1%eth0'],
  ['kitchen', undefined],
  ['127.1', undefined],
  ['[::1]', undefined],
  ['', undefined],
])('%s is the address %s', (given, address) => expect(listenAddress(given)).toBe(address))

it('is the name by which a browser asks for the panel', () => {
  expect(ownHosts(4477, listenAddress('2001:DB8::0001')!)).toContain(new URL('http://[2001:DB8::0001]:4477/').host)
  expect(ownHosts(4477, 'fe80::1%eth0')).toContain('[fe80::1]:4477')
  expect(isLoopback(listenAddress('0:0:0:0:0:0:0:1')!)).toBe(true)
})
