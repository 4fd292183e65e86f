import type { Complaint } from '../errors/index.ts'
import type { SidecarState } from '../sidecar/main/sidecar.ts'
import type { SourceMetrics } from '../sidecar/main/metrics.ts'
import { PROVIDER_TITLES } from '../settings/index.ts'
import { localizeCommands } from './invocation.ts'

const NO_FILTER = 'No filter is connected. In OBS: right-click the camera → Filters → + → Mattebox background removal.'

/** The state of the sidecar for a terminal: the panel's lines, the engine, then each filter. */
export function board(state: SidecarState, panel: readonly string[]): string[] {
  const connected = state.sources.filter((source) => source.connected)
  return [
    ...panel,
    engineLine(state),
    ...engineNotes(state),
    ...(connected.length === 0 ? ['', NO_FILTER] : connected.flatMap((source) => ['', ...sourceLines(source)])),
    ...(state.refused ? ['', `Sent away: ${state.refused.message}`, `  ${mend(state.refused)}`] : []),
  ]
}

/** What changed between two states, a line each: for a log, where a board cannot be redrawn. */
export function changes(before: SidecarState | undefined, now: SidecarState): string[] {
  const lines: string[] = []
  const tell = (was: string | undefined, is: string | undefined): void => {
    if (is !== undefined && is !== was) lines.push(is)
  }
  tell(before && engineLine(before), engineLine(now))
  tell(before && inOneLine(engineNotes(before)), inOneLine(engineNotes(now)))
  tell(complained(before?.refused), complained(now.refused))
  const known = new Map(before?.sources.map((source) => [keyOf(source), source]))
  for (const source of now.sources) {
    const was = known.get(keyOf(source))
    if (source.connected !== (was?.connected ?? false)) {
      lines.push(`${title(source)}: ${source.connected ? 'connected' : 'gone'}`)
    }
    if (source.connected) tell(sourceError(was), sourceError(source))
  }
  if (before === undefined && now.sources.every((source) => !source.connected)) lines.push(NO_FILTER)
  return lines
}

/** Two OBS may have the same filter. */
function keyOf({ filterId, last }: SourceMetrics): string {
  return `${filterId} ${last.hello.pid}`
}

function engineLine({ engine, restarts }: SidecarState): string {
  const again = restarts > 0 ? ` (started again ${restarts === 1 ? 'once' : `${restarts} times`})` : ''
  switch (engine.state) {
    case 'ready':
      return `Engine: ${PROVIDER_TITLES[engine.provider]}, ${engine.device}, model ${engine.model}${again}`
    case 'starting':
      return `Engine: starting${again}`
    case 'none':
      return `Engine: none. ${engine.error.message}${again}`
  }
}

function engineNotes({ engine, avoid, error }: SidecarState): string[] {
  const failedLive = new Set(avoid.map(({ provider }) => provider))
  // That there is no GPU is no news; that one is there and was passed over is.
  const passedOver = engine.state === 'ready' ? engine.passedOver : []
  const notable = passedOver.filter(
    ({ provider, reason }) => reason.code !== 'PROVIDER_NO_DEVICE' && !failedLive.has(provider),
  )
  const missing = engine.state === 'none' ? engine.error : undefined
  return [
    ...(missing ? indented(mend(missing)) : []),
    ...[...avoid, ...notable].flatMap(({ provider, reason }) => [
      `  not on ${PROVIDER_TITLES[provider]}: ${reason.message}`,
    ]),
    ...(error && error.message !== missing?.message ? [`  ${error.message}`, ...indented(mend(error))] : []),
  ]
}

function sourceLines(source: SourceMetrics): string[] {
  const { filter, sidecar, answeredPerSecond } = source.last
  const figures = filter
    ? [
        `${filter.width}x${filter.height}`,
        `${filter.fps.toFixed(1)} fps in, ${answeredPerSecond.toFixed(1)} answered`,
        `${sidecar.inferenceMs.toFixed(1)} ms`,
        `delay ${Math.round(filter.delayMs)} ms`,
        filter.pairing,
      ]
    : ['connected, no figures yet']
  const resets = Object.entries(sum(filter?.resets ?? {}, sidecar.resets))
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reason} ${count}`)
  const error = filter?.error ?? sidecar.error
  return [
    title(source),
    `  ${figures.join(' · ')}`,
    ...(resets.length > 0 ? [`  resets: ${resets.join(', ')}`] : []),
    ...(error ? [`  ${error.message}`, ...indented(mend(error))] : []),
  ]
}

function title({ last: { hello } }: SourceMetrics): string {
  return `${printable(hello.source)} / ${printable(hello.filter)}`
}

function sourceError(source: SourceMetrics | undefined): string | undefined {
  const error = source && (source.last.filter?.error ?? source.last.sidecar.error)
  return error ? `${title(source)}: ${complained(error)!}` : undefined
}

function complained(complaint: Complaint | null | undefined): string | undefined {
  return complaint ? `${complaint.message} ${mend(complaint)}` : undefined
}

function mend(complaint: Complaint): string {
  return localizeCommands(complaint.mend)
}

function inOneLine(lines: readonly string[]): string | undefined {
  return lines.map((line) => line.trim()).join(' ') || undefined
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `  ${line}`)
}

function sum(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): Record<string, number> {
  const total = { ...one }
  for (const [key, count] of Object.entries(other)) total[key] = (total[key] ?? 0) + count
  return total
}

/** A name from outside, without what could move the cursor or colour the terminal. */
function printable(name: string): string {
  return name.replace(/\p{C}/gu, '�')
}

/** Draws lines over the ones that were drawn before. */
export class Redraw {
  #drawn = 0

  constructor(readonly stream: NodeJS.WriteStream) {}

  draw(lines: readonly string[]): void {
    // A terminal without a size says 0.
    const columns = this.stream.columns || 80
    const rows = this.stream.rows || 24
    // A board taller than the terminal, or lines that the terminal wraps by itself, could not be drawn over.
    const shown = lines.flatMap((line) => wrapped(line, columns - 1)).slice(0, Math.max(1, rows - 1))
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : ''
    this.stream.write(`${up}\r${shown.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`)
    this.#drawn = shown.length
  }

  /** Writes what stays, above what is drawn from now on. */
  above(text: string): void {
    this.draw([])
    this.stream.write(text)
  }
}

/** A line in pieces that fit, broken between words where that can be; what follows keeps the line's indentation. */
function wrapped(line: string, columns: number): string[] {
  const indent = ' '.repeat(Math.min(/^ */.exec(line)![0].length, columns >> 1))
  const pieces: string[] = []
  let rest = line
  while (Array.from(rest).length > columns) {
    const head = Array.from(rest).slice(0, columns).join('')
    const gap = head.lastIndexOf(' ')
    const end = gap > indent.length ? gap : head.length
    pieces.push(rest.slice(0, end))
    rest = indent + rest.slice(end).trimStart()
  }
  return [...pieces, rest]
}
