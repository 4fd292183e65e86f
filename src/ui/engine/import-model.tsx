import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Complaint } from '../../errors/complaint.ts'
import { megabytes } from '../locale/format.ts'
import { MODEL_BYTES_MAX } from '../../settings/model-limits.ts'
import { words } from '../locale/index.ts'
import { Busy, complaintOf, Notice, TextField } from '../parts/index.ts'
import { nameOfFile } from './model-name.ts'
import { upload, type Upload } from './upload.ts'

/** Installs a model file: chosen, named, sent, and checked by mattebox. */
export function ImportModel() {
  const said = words.engine.import
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const running = useRef<Upload | null>(null)
  const [file, setFile] = useState<File | null>(null)
  const [name, setName] = useState('')
  /** Share that has gone out; null: nothing is being sent. */
  const [share, setShare] = useState<number | null>(null)
  const [error, setError] = useState<Complaint | null>(null)
  const [installed, setInstalled] = useState<string | null>(null)
  useEffect(() => () => running.current?.abort(), [])

  const choose = (chosen: File | null) => {
    const isTooLarge = chosen !== null && chosen.size > MODEL_BYTES_MAX
    setInstalled(null)
    setError(isTooLarge ? { code: 'TOO_LARGE', ...said.tooLarge(megabytes(chosen.size)) } : null)
    setFile(isTooLarge ? null : chosen)
    if (chosen) setName(nameOfFile(chosen.name))
  }
  const send = async (replaces: boolean) => {
    if (!file || share !== null) return
    setError(null)
    setShare(0)
    const address = `/api/models?name=${encodeURIComponent(name)}${replaces ? '&replace=true' : ''}`
    running.current = upload(address, file, setShare)
    try {
      await running.current.done
      setInstalled(name)
      setFile(null)
      if (input.current) input.current.value = ''
    } catch (cause) {
      setError(complaintOf(cause))
    } finally {
      running.current = null
      setShare(null)
    }
  }
  return (
    <section class="engine-part" aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>{said.title}</h3>
      <div class="field">
        <div class="field-head">
          <label for={id}>{said.file}</label>
        </div>
        <input
          ref={input}
          id={id}
          type="file"
          accept=".safetensors,.onnx"
          disabled={share !== null}
          aria-describedby={`${id}-about`}
          onChange={({ currentTarget }) => choose(currentTarget.files?.[0] ?? null)}
        />
        <p class="about" id={`${id}-about`}>
          {said.fileAbout}
        </p>
      </div>
      {file && (
        <>
          <TextField title={said.name} description={said.nameAbout} maxLength={64} value={name} onInput={setName} />
          <div class="actions">
            <Busy isBusy={share !== null} isDisabled={name === ''} onClick={() => void send(false)}>
              {said.send}
            </Busy>
            {share !== null && (
              <button type="button" class="secondary outline" onClick={() => running.current?.abort()}>
                {words.common.cancel}
              </button>
            )}
          </div>
        </>
      )}
      {share !== null && (
        <p class="engine-progress">
          <progress value={share} max={1} aria-label={said.progress} />
          <span>{share < 1 ? said.sent(share) : said.checking}</span>
        </p>
      )}
      {error && (
        <Notice complaint={error} isLive onClose={() => setError(null)}>
          {error.code === 'OUTPUT_EXISTS' && (
            <p>
              <Busy isBusy={false} kind="secondary outline" onClick={() => void send(true)}>
                {said.replace(name)}
              </Busy>
            </p>
          )}
        </Notice>
      )}
      <div role="status">
        {installed !== null && (
          <Notice kind="good">
            <p>{said.done(installed)}</p>
          </Notice>
        )}
      </div>
    </section>
  )
}
