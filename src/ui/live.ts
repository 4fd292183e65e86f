import { signal } from '@preact/signals'
import type { LiveMessage, LiveRequest, PanelState, PreviewHeader } from '../api/index.ts'
import { LIVE_PATH } from '../api/paths.ts'
import { decodeMessage } from './binary-message.ts'
import { LastingSocket } from './lasting-socket.ts'
import { AWAY_AFTER_MS, SteadySources } from './steady-sources.ts'

/** What the sidecar says, as it says it: one socket for the whole page, which connects again for ever. */

/** Null until it has been told. It stays while the connection is away: see `isConnected`. */
export const state = signal<PanelState | null>(null)
export const isConnected = signal(false)

export interface Preview extends PreviewHeader {
  readonly rgba: Uint8Array
  readonly alpha: Uint8Array | null
}

type OnPreview = (preview: Preview) => void

/** So often it is asked for the state where nothing was heard: pages see no pings. */
const ASKS_EVERY_MS = 5000
/** Unanswered so often, the other side is taken for dead. Counted, for a hidden page's timers run late. */
const ASKS_IN_VAIN = 3
const watchers = new Map<string, Set<OnPreview>>()
let socket: LastingSocket | undefined
let silences = 0
const steady = new SteadySources()
let changesLater: ReturnType<typeof setTimeout> | undefined

/** Connects, and stays connected. */
export function connect(): void {
  socket = new LastingSocket(LIVE_PATH, { onOpen, onMessage, onAway })
  setInterval(askIfAlive, ASKS_EVERY_MS)
  document.addEventListener('visibilitychange', sayWhatIsWatched)
}

function onOpen(): void {
  silences = 0
  isConnected.value = true
  sayWhatIsWatched()
}

function onMessage(data: string | ArrayBuffer): void {
  silences = 0
  if (typeof data === 'string') show((JSON.parse(data) as LiveMessage).state)
  else showPreview(data)
}

function show(told: PanelState): void {
  clearTimeout(changesLater)
  const { state: shown, isHeld } = steady.show(told, performance.now())
  state.value = shown
  if (isHeld) changesLater = setTimeout(() => show(told), AWAY_AFTER_MS)
}

function onAway(): void {
  clearTimeout(changesLater)
  isConnected.value = false
  // Whether filters are connected is not known then, and none can be set.
  if (!state.value) return
  state.value = { ...state.value, sources: state.value.sources.map((source) => ({ ...source, connected: false })) }
}

function askIfAlive(): void {
  if (!isConnected.value) return
  silences++
  if (silences >= ASKS_IN_VAIN) socket?.giveUp()
  else sayWhatIsWatched()
}

/** Watches a source's picture until the function that is returned is called. */
export function watch(filterId: string, onPreview: OnPreview): () => void {
  const others = watchers.get(filterId) ?? new Set()
  others.add(onPreview)
  watchers.set(filterId, others)
  sayWhatIsWatched()
  return () => {
    others.delete(onPreview)
    if (others.size === 0) watchers.delete(filterId)
    sayWhatIsWatched()
  }
}

function sayWhatIsWatched(): void {
  if (!socket?.isOpen) return
  const request: LiveRequest = { kind: 'watch', filterIds: document.hidden ? [] : [...watchers.keys()] }
  socket.send(JSON.stringify(request))
}

function showPreview(data: ArrayBuffer): void {
  const { header: found, start } = decodeMessage(data)
  const header = found as PreviewHeader
  const pixels = header.width * header.height
  const rgba = new Uint8Array(data, start, 4 * pixels)
  const alpha = header.hasAlpha ? new Uint8Array(data, start + 4 * pixels, pixels) : null
  for (const onPreview of watchers.get(header.filterId) ?? []) onPreview({ ...header, rgba, alpha })
}
