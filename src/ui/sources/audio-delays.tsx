import { useState } from 'preact/hooks'
import type { AudioDelayRemoved, AudioDelayView, PanelState, SourceView } from '../../api/index.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { linkTo } from '../pages.ts'
import { Busy, Card, Notice, useCall } from '../parts/index.ts'

interface AudioDelaysProps {
  readonly source: SourceView
  readonly state: PanelState
}

/** The picture comes later than the sound: the same delay for the inputs that the user picks. */
export function AudioDelays({ source, state }: AudioDelaysProps) {
  const said = words.sources.audio
  const calling = useCall()
  const [picked, setPicked] = useState('')
  /** An input whose offset somebody has changed in OBS since, so that it was left. */
  const [left, setLeft] = useState<string | null>(null)
  const inputs = state.obs.audioInputs
  const { delayMs } = source.figures
  const own = state.audioDelays.filter(({ filterId }) => filterId === source.id)
  const free = inputs?.filter(({ name }) => !own.some(({ input }) => input === name)) ?? []
  const input = free.some(({ name }) => name === picked) ? picked : (free.at(0)?.name ?? '')
  const isDelayed = delayMs !== null && Math.round(delayMs) > 0
  const add = (name: string): void => {
    setLeft(null)
    void calling.run(() => call('POST', '/api/obs/audio-delay', { filterId: source.id, input: name }))
  }
  const giveBack = (name: string): void => {
    void calling.run(async () => {
      const path = `/api/obs/audio-delay?input=${encodeURIComponent(name)}`
      const { restored } = await call<AudioDelayRemoved>('DELETE', path)
      setLeft(restored ? null : name)
    })
  }
  return (
    <Card title={said.title}>
      <p class="about">{said.about}</p>
      {own.map((delay) => (
        <Added key={delay.input} delay={delay} delayMs={delayMs} onAdd={add} onGiveBack={giveBack} />
      ))}
      {inputs === null && (
        <p>
          {said.noObs} <a href={linkTo('obs')}>{words.sources.none.toObs}</a>
        </p>
      )}
      {inputs !== null && free.length === 0 && own.length === 0 && <p class="muted">{said.noInputs}</p>}
      {free.length > 0 && (
        <div class="row">
          <select
            aria-label={said.input}
            value={input}
            onChange={({ currentTarget }) => setPicked(currentTarget.value)}
          >
            {free.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <Busy
            kind="secondary outline"
            isBusy={calling.isBusy}
            isDisabled={!isDelayed || !source.connected}
            onClick={() => add(input)}
          >
            {said.add(isDelayed ? Math.round(delayMs) : null)}
          </Busy>
        </div>
      )}
      {delayMs !== null && !isDelayed && <p class="muted">{said.none}</p>}
      {left !== null && (
        <Notice kind="info" isLive onClose={() => setLeft(null)}>
          <p>{said.left(left)}</p>
        </Notice>
      )}
      {calling.error && <Notice complaint={calling.error} isLive onClose={calling.forget} />}
    </Card>
  )
}

interface AddedProps {
  readonly delay: AudioDelayView
  readonly delayMs: number | null
  readonly onAdd: (input: string) => void
  readonly onGiveBack: (input: string) => void
}

function Added({ delay, delayMs, onAdd, onGiveBack }: AddedProps) {
  const said = words.sources.audio
  const { input, addedMs, originalMs, hasMoved } = delay
  return (
    <div class="added">
      <p>
        <strong>{input}</strong> {said.added(addedMs, originalMs)}{' '}
        <button type="button" class="plain" onClick={() => onGiveBack(input)}>
          {said.giveBack}
        </button>
      </p>
      {hasMoved && delayMs !== null && (
        <Notice kind="warning">
          <p>
            {said.moved(Math.round(delayMs))}{' '}
            <button type="button" class="plain" onClick={() => onAdd(input)}>
              {said.again}
            </button>
          </p>
        </Notice>
      )}
    </div>
  )
}
