import { describe, expect, it } from 'vitest'
import { charts, columnsOf, summaryOf, type ChartWords } from '../../../src/ui/figures/charts.ts'
import { silenceAt, type Sample, type SourceSample } from '../../../src/ui/figures/sample.ts'

const WORDS: ChartWords = {
  of: { latency: 'Latency', inference: 'Inference', fps: 'Fps', drops: 'Drops', memory: 'Memory', cpu: 'CPU' },
  time: 'Time',
  toMatte: 'matte',
  toShown: 'shown',
  ofSource: 'source',
  answered: 'answered',
  reasons: { busy: 'inference was late' },
  roles: { main: 'mattebox' },
}

const CAMERA: SourceSample = {
  id: 'a'.repeat(16),
  source: 'Camera',
  filter: 'mattebox',
  latencyMs: 40,
  delayMs: 60,
  inferenceMs: 20,
  fps: 30,
  answeredPerSecond: 25,
  dropped: {},
}

const at = (second: number, ...sources: SourceSample[]): Sample => ({ atMs: second * 1000, sources, processes: [] })
const lines = (samples: Sample[], name: string) => charts(samples, WORDS).find((chart) => chart.name === name)!.lines

// Seen red with lines keyed by the source's name, and with reasons kept that never rose.
describe('the charts', () => {
  it('have a line a source, with nothing where it was not there', () => {
    const other = { ...CAMERA, id: 'b'.repeat(16), source: 'Game', latencyMs: 7 }
    expect(lines([at(0, CAMERA), at(1, CAMERA, other), silenceAt(2000), at(3, other)], 'latency')).toEqual([
      { subject: CAMERA.id, label: 'Camera: matte', values: [40, 40, null, null] },
      { subject: other.id, label: 'Game: matte', values: [null, 7, null, 7] },
      { subject: CAMERA.id, label: 'Camera: shown', values: [60, 60, null, null] },
      { subject: other.id, label: 'Game: shown', values: [null, 60, null, 60] },
    ])
  })

  it('say the filter where two sources are called alike, and follow a source that is renamed', () => {
    const twin = { ...CAMERA, id: 'b'.repeat(16), filter: 'second' }
    const labels = (...samples: Sample[]) => lines(samples, 'inference').map(({ label }) => label)
    expect(labels(at(0, CAMERA, twin))).toEqual(['Camera (mattebox)', 'Camera (second)'])
    expect(labels(at(0, CAMERA, { ...twin, filter: 'mattebox' }))).toEqual(['Camera (1)', 'Camera (2)'])
    expect(labels(at(0, CAMERA), at(1, { ...CAMERA, source: 'Face' }))).toEqual(['Face'])
  })

  it('show frames that were dropped a second, by reason, and only reasons that there were', () => {
    const samples = [0, 1, 2].map((second) => at(second, { ...CAMERA, dropped: { busy: 5 * second, full: 9 } }))
    expect(lines(samples, 'drops')).toEqual([
      { subject: CAMERA.id, label: 'Camera: inference was late', values: [null, 5, 5] },
    ])
  })

  it('show memory in MiB by process', () => {
    const processes = [{ role: 'main', rssBytes: 3 * 2 ** 20, cpuPercent: null }]
    const samples = [{ ...silenceAt(0), processes }]
    expect(lines(samples, 'memory')).toEqual([{ subject: 'main', label: 'mattebox', values: [3] }])
    expect(lines(samples, 'cpu')).toEqual([])
  })

  it('become a table with a row a sample', () => {
    const columns = columnsOf([at(0, CAMERA), at(1, CAMERA)], WORDS)
    expect(columns.map(({ head }) => head)).toEqual([
      'Time',
      'Latency: Camera: matte',
      'Latency: Camera: shown',
      'Inference: Camera',
      'Fps: Camera: source',
      'Fps: Camera: answered',
    ])
    expect(columns[0].values).toEqual(['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:01.000Z'])
    expect(columns.every(({ values }) => values.length === 2)).toBe(true)
  })

  it('are summed up as the newest, mean and highest value', () => {
    expect(summaryOf({ subject: '', label: '', values: [1, null, 3] })).toEqual({ now: 3, mean: 2, most: 3 })
    expect(summaryOf({ subject: '', label: '', values: [5, null] })).toEqual({ now: null, mean: 5, most: 5 })
    expect(summaryOf({ subject: '', label: '', values: [] })).toEqual({ now: null, mean: null, most: null })
  })
})
