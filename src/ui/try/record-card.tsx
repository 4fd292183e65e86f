import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Complaint } from '../../errors/complaint.ts'
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

/** Records what is shown, and offers it to be saved. */
export function RecordCard({ canvas, isTransparent }: RecordCardProps) {
  const said = words.try.record
  const type = useMemo(recordingType, [])
  const recorder = useRef<Recorder | null>(null)
  const [seconds, setSeconds] = useState<number | null>(null)
  const [finished, setFinished] = useState<Finished | null>(null)
  const [error, setError] = useState<Complaint | null>(null)

  // What is recorded ends with what is shown.
  useEffect(() => () => recorder.current?.stop(), [canvas])
  useEffect(() => {
    if (!finished) return undefined
    return () => URL.revokeObjectURL(finished.address)
  }, [finished])
  useEffect(() => {
    if (seconds === null) return undefined
    const tick = setTimeout(() => setSeconds(seconds + 1), 1000)
    return () => clearTimeout(tick)
  }, [seconds])

  const start = async (shown: HTMLCanvasElement, mimeType: string): Promise<void> => {
    setFinished(null)
    setError(null)
    try {
      recorder.current = record(shown, mimeType)
      setSeconds(0)
      const recording = await recorder.current.done
      const address = URL.createObjectURL(recording.blob)
      setFinished({ ...recording, address, wasTransparent: isTransparent })
    } catch (cause) {
      setError(complaintOf(cause))
    } finally {
      recorder.current = null
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
              <a href={finished.address} download={nameOf(new Date())} role="button">
                {said.save((finished.blob.size / 1e6).toFixed(1))}
              </a>
              <button type="button" class="plain" onClick={() => setFinished(null)}>
                {said.discard}
              </button>
            </>
          )}
        </div>
      )}
      <div role="status">
        {finished && <p class="about">{whatWasKept(finished)}</p>}
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
