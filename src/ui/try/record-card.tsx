import { effect, signal } from '@preact/signals'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Complaint } from '../../errors/complaint.ts'
import { megabytes } from '../locale/format.ts'
import { words } from '../locale/index.ts'
import { Card, complaintOf, Notice } from '../parts/index.ts'
import { isObsDock } from './camera.ts'
import { record, recordingType, type Recorder, type Recording } from './recording.ts'

interface RecordCardProps {
  /** What shows the picture; null: nothing does yet. */
  readonly canvas: HTMLCanvasElement | null
  /** Whether what is shown lets the page through. */
  readonly isTransparent: boolean
}

interface Finished extends Recording {
  readonly address: string
  /** Whether there was transparency to be kept. */
  readonly wasTransparent: boolean
}

/** The last recording: it waits for its user while other pages are shown. */
const kept = signal<Finished | null>(null)
const isRecording = signal(false)
const isSaved = signal(false)

const askFirst = (event: BeforeUnloadEvent): void => event.preventDefault()
effect(() => {
  if (isRecording.value || (kept.value && !isSaved.value)) addEventListener('beforeunload', askFirst)
  else removeEventListener('beforeunload', askFirst)
})

function keep(finished: Finished | null): void {
  if (kept.value) URL.revokeObjectURL(kept.value.address)
  isSaved.value = false
  kept.value = finished
}

/** Records what is shown, and offers it to be saved. */
export function RecordCard({ canvas, isTransparent }: RecordCardProps) {
  const said = words.try.record
  const type = useMemo(recordingType, [])
  const recorder = useRef<Recorder | null>(null)
  const [seconds, setSeconds] = useState<number | null>(null)
  const [error, setError] = useState<Complaint | null>(null)

  const finished = kept.value

  // What is recorded ends with what is shown.
  useEffect(() => () => recorder.current?.stop(), [canvas])
  useEffect(() => {
    if (seconds === null) return undefined
    const tick = setTimeout(() => setSeconds(seconds + 1), 1000)
    return () => clearTimeout(tick)
  }, [seconds])

  const start = async (shown: HTMLCanvasElement, mimeType: string): Promise<void> => {
    keep(null)
    setError(null)
    try {
      recorder.current = record(shown, mimeType)
      isRecording.value = true
      setSeconds(0)
      const recording = await recorder.current.done
      const address = URL.createObjectURL(recording.blob)
      keep({ ...recording, address, wasTransparent: isTransparent })
    } catch (cause) {
      setError(complaintOf(cause))
    } finally {
      recorder.current = null
      isRecording.value = false
      setSeconds(null)
    }
  }

  return (
    <Card title={said.title}>
      <p class="about">{type === undefined ? said.none : said.about}</p>
      {type !== undefined && (
        <div class="actions">
          {seconds === null ? (
            <button type="button" disabled={canvas === null} onClick={() => canvas && void start(canvas, type)}>
              {said.start}
            </button>
          ) : (
            <>
              <button type="button" class="danger" onClick={() => recorder.current?.stop()}>
                {said.stop}
              </button>
              <span class="try-recording">{said.time(seconds)}</span>
            </>
          )}
          {finished && (
            <>
              <a
                href={finished.address}
                download={nameOf(new Date())}
                role="button"
                onClick={() => (isSaved.value = true)}
              >
                {said.save(megabytes(finished.blob.size))}
              </a>
              <button type="button" class="plain" onClick={() => keep(null)}>
                {said.discard}
              </button>
            </>
          )}
        </div>
      )}
      <div role="status">
        {finished && <p class="about">{whatWasKept(finished)}</p>}
        {finished?.wasFull && <p class="about">{said.wasFull}</p>}
        {finished && isObsDock() && <Notice kind="warning">{<p>{said.dock}</p>}</Notice>}
      </div>
      {error && <Notice complaint={error} isLive onClose={() => setError(null)} />}
    </Card>
  )
}

function whatWasKept({ hasAlpha, wasTransparent }: Finished): string {
  const said = words.try.record
  if (hasAlpha) return said.withAlpha
  return wasTransparent ? said.overBlack : said.withoutAlpha
}

/** `mattebox 2026-11-28 16.20.11.webm`: colons are no part of a file's name everywhere. */
function nameOf(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-')
  return `mattebox ${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join('.')}.webm`
}
