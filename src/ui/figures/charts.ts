import type { Column } from './csv.ts'
import { rates } from './rates.ts'
import type { ProcessSample, Sample, SourceSample } from './sample.ts'

/** What the page plots, from the samples that it keeps. */

export const CHARTS = ['latency', 'inference', 'fps', 'drops', 'memory', 'cpu'] as const
export type ChartName = (typeof CHARTS)[number]

export interface Line {
  /** Whose it is: a filter's id, or a process's role. */
  readonly subject: string
  readonly label: string
  /** A value a sample; null: not known then. */
  readonly values: readonly (number | null)[]
}

export interface Chart {
  readonly name: ChartName
  readonly lines: readonly Line[]
}

/** The words that labels are made of. */
export interface ChartWords {
  readonly of: Readonly<Record<ChartName, string>>
  readonly time: string
  readonly toMatte: string
  readonly toShown: string
  readonly ofSource: string
  readonly answered: string
  /** By reason; one that is not here is said as it is. */
  readonly reasons: Readonly<Record<string, string>>
  readonly roles: Readonly<Record<string, string>>
}

const BYTES_A_MIB = 2 ** 20

/** Every chart, in the order of `CHARTS`; one without figures has no lines. */
export function charts(samples: readonly Sample[], words: ChartWords): readonly Chart[] {
  const times = samples.map(({ atMs }) => atMs)
  const sources = subjects(samples.map((sample) => new Map(sample.sources.map((found) => [found.id, found]))))
  const processes = subjects(samples.map((sample) => new Map(sample.processes.map((found) => [found.role, found]))))
  const names = sourceNames(sources)

  const perSource = (pick: (source: SourceSample) => number | null, suffix = '') =>
    sources.map(({ key, readings }) => ({
      subject: key,
      label: names.get(key)! + suffix,
      values: readings.map((found) => (found ? pick(found) : null)),
    }))
  const perProcess = (pick: (process: ProcessSample) => number | null) =>
    processes.map(({ key, readings }) => ({
      subject: key,
      label: words.roles[key] ?? key,
      values: readings.map((found) => (found ? pick(found) : null)),
    }))
  const drops = sources.flatMap(({ key, readings }) => {
    const reasons = new Set(readings.flatMap((found) => (found ? Object.keys(found.dropped) : [])))
    return Array.from(reasons, (reason) => ({
      subject: key,
      label: `${names.get(key)!}: ${words.reasons[reason] ?? reason}`,
      values: rates(
        times,
        readings.map((found) => (found ? (found.dropped[reason] ?? 0) : null)),
      ),
    })).filter(({ values }) => values.some((value) => value !== null && value > 0))
  })

  const lines: Readonly<Record<ChartName, readonly Line[]>> = {
    latency: [
      ...perSource(({ latencyMs }) => latencyMs, `: ${words.toMatte}`),
      ...perSource(({ delayMs }) => delayMs, `: ${words.toShown}`),
    ],
    inference: perSource(({ inferenceMs }) => inferenceMs),
    fps: [
      ...perSource(({ fps }) => fps, `: ${words.ofSource}`),
      ...perSource(({ fps, answeredPerSecond }) => (fps === null ? null : answeredPerSecond), `: ${words.answered}`),
    ],
    drops,
    memory: perProcess(({ rssBytes }) => (rssBytes === null ? null : rssBytes / BYTES_A_MIB)),
    cpu: perProcess(({ cpuPercent }) => cpuPercent),
  }
  return CHARTS.map((name) => ({ name, lines: lines[name].filter(({ values }) => values.some((v) => v !== null)) }))
}

/** The sources that figures are kept of, by the filter's id, as they are called. */
export function sourcesIn(samples: readonly Sample[]): ReadonlyMap<string, string> {
  return sourceNames(subjects(samples.map((sample) => new Map(sample.sources.map((found) => [found.id, found])))))
}

/** All that is plotted as one table: a row a sample. */
export function columnsOf(samples: readonly Sample[], words: ChartWords): readonly Column[] {
  return [
    { head: words.time, values: samples.map(({ atMs }) => new Date(atMs).toISOString()) },
    ...charts(samples, words).flatMap(({ name, lines }) =>
      lines.map(({ label, values }) => ({ head: `${words.of[name]}: ${label}`, values })),
    ),
  ]
}

/** What a line has been: its newest value, and the mean and the highest of all. Null: never known, or not now. */
export function summaryOf({ values }: Line): { now: number | null; mean: number | null; most: number | null } {
  const known = values.filter((value) => value !== null)
  return {
    now: values.at(-1) ?? null,
    mean: known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length,
    most: known.length === 0 ? null : known.reduce((most, value) => Math.max(most, value)),
  }
}

interface Subject<Reading> {
  readonly key: string
  /** A reading a sample. */
  readonly readings: readonly (Reading | undefined)[]
}

/** In the order in which they first came. */
function subjects<Reading>(rows: readonly ReadonlyMap<string, Reading>[]): Subject<Reading>[] {
  const keys = new Set(rows.flatMap((row) => Array.from(row.keys())))
  return Array.from(keys, (key) => ({ key, readings: rows.map((row) => row.get(key)) }))
}

/** The source's name; where two are called alike with the filter's, and with a number where that is alike too. */
function sourceNames(sources: readonly Subject<SourceSample>[]): ReadonlyMap<string, string> {
  const newest = sources.map(({ key, readings }) => ({
    key,
    ...readings.filter((found) => found !== undefined).at(-1)!,
  }))
  return new Map(
    newest.map(({ key, source, filter }) => {
      const alike = newest.filter((other) => other.source === source)
      if (alike.length === 1) return [key, source]
      const isFilterAlike = alike.some((other) => other.key !== key && other.filter === filter)
      const mark = isFilterAlike ? alike.findIndex((other) => other.key === key) + 1 : filter
      return [key, `${source} (${mark})`]
    }),
  )
}
