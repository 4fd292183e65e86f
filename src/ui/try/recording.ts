import { CallError } from '../call.ts'
import { words } from '../locale/index.ts'

/** Records what a canvas shows as WebM, in the page's own memory. */

export interface Recording {
  readonly blob: Blob
  /** Whether transparency was kept. */
  readonly hasAlpha: boolean
  /** Whether it ended by itself, at what a page keeps. */
  readonly wasFull: boolean
}

export interface Recorder {
  stop(): void
  /** What was recorded, once it has stopped. */
  readonly done: Promise<Recording>
}

const TYPES = ['video/webm;codecs=vp9', 'video/webm;codecs=vp8', 'video/webm']
const BITS_PER_SECOND = 12_000_000
/** It lies in memory until it is saved: then it stops by itself. */
const BYTES_MAX = 512 * 1024 * 1024

/** What this browser records as; undefined: it cannot. */
export function recordingType(): string | undefined {
  if (!('MediaRecorder' in window) || !('captureStream' in HTMLCanvasElement.prototype)) return undefined
  return TYPES.find((type) => MediaRecorder.isTypeSupported(type))
}

export function record(canvas: HTMLCanvasElement, mimeType: string): Recorder {
  const stream = canvas.captureStream()
  const recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: BITS_PER_SECOND })
  const parts: Blob[] = []
  let bytes = 0
  let wasFull = false
  const stop = (): void => {
    if (recorder.state !== 'inactive') recorder.stop()
    for (const track of stream.getTracks()) track.stop()
  }
  recorder.ondataavailable = ({ data }) => {
    parts.push(data)
    bytes += data.size
    if (bytes <= BYTES_MAX || recorder.state === 'inactive') return
    wasFull = true
    stop()
  }
  const done = new Promise<Recording>((resolve, reject) => {
    recorder.onstop = () => {
      const blob = new Blob(parts, { type: 'video/webm' })
      const head = blob.slice(0, HEAD_BYTES).arrayBuffer()
      head.then((buffer) => resolve({ blob, hasAlpha: hasAlphaMode(new Uint8Array(buffer)), wasFull }), reject)
    }
    recorder.onerror = () => {
      reject(new CallError({ code: 'RECORDING', ...words.try.record.failed }))
      stop()
    }
  })
  recorder.start(1000)
  return { stop, done }
}

/** Where the tracks are described. */
const HEAD_BYTES = 1024
/** The element AlphaMode of one byte, 1 (RFC 9559, 5.1.4.1.28.4). */
const ALPHA_MODE = [0x53, 0xc0, 0x81, 0x01]

/** Whether a WebM file's head says that its video carries alpha. */
export function hasAlphaMode(head: Uint8Array): boolean {
  return head.some((_, at) => ALPHA_MODE.every((byte, i) => head[at + i] === byte))
}
