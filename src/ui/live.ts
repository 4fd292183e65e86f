import { signal } from '@preact/signals'
import type { LiveMessage, LiveRequest, PanelState, PreviewHeader } from '../api/index.ts'
import { LIVE_PATH } from '../api/paths.ts'

/** What the sidecar says, as it says it: one socket for the whole page, which connects again for ever. */

/** Null until it has been told. It stays while the connection is away: see `isConnected`. */
export const state = signal<PanelState | null>(null)
export const isConnected = signal(false)

export interface Preview extends PreviewHeader {
  readonly rgba: Uint8Array
  readonly alpha: Uint8Array | null
}

type OnPreview = (preview: Preview) => void

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5000
const watchers = new Map<string, Set<OnPreview>>()
let socket: WebSocket | undefined
let waitMs = FIRST_WAIT_MS

/** Connects, and stays connected. */
export function connect(): void {
  const opened = new WebSocket(new URL(LIVE_PATH, location.href.replace(/^http/, 'ws')))
  socket = opened
  opened.binaryType = 'arraybuffer'
  opened.onopen = () => {
    waitMs = FIRST_WAIT_MS
    isConnected.value = true
    sayWhatIsWatched()
  }
  opened.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data === 'string') state.value = (JSON.parse(data) as LiveMessage).state
    else showPreview(data)
  }
  opened.onclose = () => {
    isConnected.value = false
    // Whether filters are connected is not known then, and none can be set.
    if (state.value) {
      state.value = { ...state.value, sources: state.value.sources.map((source) => ({ ...source, connected: false })) }
    }
    setTimeout(connect, waitMs)
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)
  }
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
  if (socket?.readyState !== WebSocket.OPEN) return
  const request: LiveRequest = { kind: 'watch', filterIds: document.hidden ? [] : [...watchers.keys()] }
  socket.send(JSON.stringify(request))
}
document.addEventListener('visibilitychange', sayWhatIsWatched)

function showPreview(data: ArrayBuffer): void {
  const headerBytes = new DataView(data).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, headerBytes))) as PreviewHeader
  const pixels = header.width * header.height
  const start = 4 + headerBytes
  const rgba = new Uint8Array(data, start, 4 * pixels)
  const alpha = header.hasAlpha ? new Uint8Array(data, start + 4 * pixels, pixels) : null
  for (const onPreview of watchers.get(header.filterId) ?? []) onPreview({ ...header, rgba, alpha })
}
