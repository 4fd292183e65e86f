import { describe, expect, it } from 'vitest'
import { ProviderFailures } from '../../../src/sidecar/main/provider-failures.ts'
import type { ProviderName } from '../../../src/settings/index.ts'

const failure = (provider: ProviderName) => ({ provider, reason: { code: 'INFERENCE', message: 'lost', mend: 'wait' } })

describe('failures of providers', () => {
  it('count for little alone, and pass a provider over when there are two within a minute', () => {
    const failures = new ProviderFailures()
    expect(failures.failed(failure('cuda'), 'auto', 0)).toBe(false)
    expect(failures.failed(failure('webgpu'), 'auto', 1)).toBe(false)
    expect(failures.failed(failure('cuda'), 'auto', 60_000)).toBe(true)
    expect(failures.avoid).toEqual([failure('cuda')])
  })

  it('that lie further apart are two first ones', () => {
    const failures = new ProviderFailures()
    for (const now of [0, 60_001, 120_002]) expect(failures.failed(failure('cuda'), 'auto', now)).toBe(false)
  })

  it('never pass over the CPU, nor what the user named', () => {
    const failures = new ProviderFailures()
    for (const now of [0, 1, 2]) expect(failures.failed(failure('cpu'), 'auto', now)).toBe(false)
    for (const now of [0, 1, 2]) expect(failures.failed(failure('webgpu'), 'webgpu', now)).toBe(false)
  })

  it('are forgotten on request', () => {
    const failures = new ProviderFailures()
    for (const now of [0, 1]) failures.failed(failure('cuda'), 'auto', now)
    failures.clear()
    expect(failures.avoid).toEqual([])
    expect(failures.failed(failure('cuda'), 'auto', 2)).toBe(false)
  })
})
