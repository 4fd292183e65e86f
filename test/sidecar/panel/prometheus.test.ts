import { describe, expect, it } from 'vitest'
import type { Metrics } from '../../../src/api/index.ts'
import { report, until } from '../main/told.ts'
import { PanelStage } from './panel-stage.ts'

// Seen red: with label values written as they are, the source named `a"b\c` breaks its line; with `unanswered` among the
// drops, a late matte makes a counter fall.

const ID = '00000000000000a1'
const given = report(ID, { received: 100 })
const named = { ...given, hello: { ...given.hello, source: 'a"b\\c\nd' } }
const open = () => PanelStage.open({ always: { sources: [named] } })

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (-?[\d.e+-]+)$/

describe('the figures as Prometheus reads them', () => {
  it('are in its text format: each family with its help and type, before its samples', async () => {
    await using stage = await open()
    const { type, text } = await stage.ask('GET', '/metrics')
    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(text.endsWith('\n')).toBe(true)
    let family = ''
    for (const line of text.trimEnd().split('\n')) {
      const head = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line)
      if (head) {
        family = head[2]
        if (head[1] === 'TYPE') expect(head[3]).toBe(family.endsWith('_total') ? 'counter' : 'gauge')
        continue
      }
      const sample = LINE.exec(line)
      expect(sample, line).not.toBeNull()
      expect(sample![1]).toBe(family)
      expect(family).toMatch(/^mattebox_/)
    }
  })

  it('have base units, and the names of sources as they are', async () => {
    await using stage = await open()
    const { text } = await stage.ask('GET', '/metrics')
    const labels = `id="${ID}",source="a\\"b\\\\c\\nd",filter="Mattebox"`
    expect(text).toContain(`mattebox_source_latency_seconds{${labels}} 0.04\n`)
    expect(text).toContain(`mattebox_source_frames_received_total{${labels}} 100\n`)
    expect(text).toContain(`mattebox_source_frames_dropped_total{${labels},reason="newer"} 1\n`)
    expect(text).toContain(`mattebox_source_resets_total{${labels},reason="cut"} 2\n`)
    expect(text).toContain('mattebox_build_info{version="1.2.3"} 1\n')
    expect(text).toMatch(/mattebox_process_resident_memory_bytes\{process="main",role="main",pid="\d+"\} \d{7,}\n/)
  })

  it('have no counter that falls when a matte comes late', async () => {
    const filter = given.filter!
    const late = { ...given, filter: { ...filter, dropped: { full: 1, unanswered: 5 } } }
    const came = { ...given, filter: { ...filter, answered: filter.answered + 2, dropped: { full: 1, unanswered: 3 } } }
    await using stage = await PanelStage.open({ always: { sources: [late], thenSources: [came] } })
    const counters = async () => {
      const { text } = await stage.ask('GET', '/metrics')
      return new Map(Array.from(text.matchAll(/^(\w+_total.*) (\d+)$/gm), ([, name, count]) => [name, Number(count)]))
    }
    const before = await counters()
    expect(before.size).toBeGreaterThan(5)
    await until(() => stage.states.state.sources[0].counts.dropped['unanswered'] === 3, 'the late mattes')
    for (const [name, count] of await counters()) expect(count, name).toBeGreaterThanOrEqual(before.get(name)!)
    const { text } = await stage.ask('GET', '/metrics')
    expect(text).toMatch(/\nmattebox_source_frames_unanswered\{.+\} 3\n/)
    expect(text).toMatch(/\nmattebox_source_frames_dropped_total\{.+reason="full"\} 1\n/)
  })

  it('are the same in JSON', async () => {
    await using stage = await open()
    const metrics = (await stage.ask('GET', '/api/metrics')).json as Metrics
    expect(metrics).toMatchObject({ version: '1.2.3', engineIsReady: true, restarts: 0 })
    expect(metrics.sources).toMatchObject([{ id: ID, figures: { latencyMs: 40 }, counts: { received: 100 } }])
    expect(metrics.uptimeMs).toBeGreaterThan(0)
  })
})
