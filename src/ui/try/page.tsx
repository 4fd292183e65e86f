import { useEffect, useRef, useState } from 'preact/hooks'
import { filter } from 'virtual:settings'
import type { EngineView } from '../../api/index.ts'
import { state } from '../live.ts'
import { words } from '../locale/index.ts'
import { colourOf, type Look } from '../matte/look.ts'
import { readsAreTrue } from '../matte/true-reads.ts'
import { Card, Notice } from '../parts/index.ts'
import { LookCard, NetworkCard, type ChosenLook } from './controls.tsx'
import { frameExport } from './export.ts'
import { FiguresCard } from './figures-card.tsx'
import { NoModel } from './no-model.tsx'
import { RecordCard } from './record-card.tsx'
import { SourceBar } from './source-bar.tsx'
import { Stage } from './stage.tsx'
import './style.css'
import { Trial, type TrySettings } from './trial.ts'
import { usePicture } from './use-picture.ts'

const FIRST_LOOK: ChosenLook = {
  view: 'result',
  background: 'none',
  colour: '#2f6f9f',
  blurRadius: filter.blur_radius.default as number,
  low: filter.level_low.default as number,
  high: filter.level_high.default as number,
  feather: filter.feather.default as number,
  compares: false,
  divider: 0.5,
}

const FIRST_SETTINGS: TrySettings = {
  ratio: filter.ratio.default as number,
  refiner: filter.refiner.default as TrySettings['refiner'],
  decontaminate: filter.decontaminate.default as boolean,
  cutDetection: filter.cut_detection.default as boolean,
}

/** Matting without OBS: the browser's camera, a video file, or the clip that ships. */
export function TryItPage() {
  const said = words.try
  const video = useRef<HTMLVideoElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const pictures = usePicture()
  const { picture, stop } = pictures
  const [trial, setTrial] = useState<Trial | null>(null)
  const [look, setLook] = useState(FIRST_LOOK)
  const [settings, setSettings] = useState(FIRST_SETTINGS)
  const [backdrop, setBackdrop] = useState<ImageBitmap | null>(null)
  const [fault, setFault] = useState<'webgl' | 'scrambled' | 'backdrop' | null>(null)

  useEffect(() => {
    if (trial) trial.look = drawn(look)
  }, [trial, look])
  useEffect(() => {
    if (trial) trial.settings = settings
  }, [trial, settings])
  useEffect(() => {
    if (trial && backdrop) trial.backdrop = backdrop
  }, [trial, backdrop])
  useEffect(() => () => backdrop?.close(), [backdrop])

  useEffect(() => {
    const shown = video.current
    const drawnOn = canvas.current
    if (!picture || !shown || !drawnOn) return undefined
    setFault(null)
    let started: Trial
    try {
      if (!readsAreTrue()) setFault('scrambled')
      started = new Trial(shown, drawnOn, { settings, look: drawn(look), onUsed: frameExport() })
    } catch {
      setFault('webgl')
      stop()
      return undefined
    }
    if (picture.kind === 'camera') shown.srcObject = picture.stream
    else shown.src = picture.address
    // Where it cannot play, the video says so by an event.
    shown.play().catch(() => undefined)
    setTrial(started)
    return () => {
      started.end()
      shown.pause()
      shown.srcObject = null
      shown.removeAttribute('src')
      shown.load()
      setTrial(null)
    }
  }, [picture])

  useEffect(() => {
    const goOn = (): void => {
      const shown = video.current
      if (!picture || picture.kind === 'camera' || !shown) return
      if (document.hidden) shown.pause()
      else void shown.play().catch(() => undefined)
    }
    document.addEventListener('visibilitychange', goOn)
    return () => document.removeEventListener('visibilitychange', goOn)
  }, [picture])

  const takeBackdrop = async (file: File): Promise<void> => {
    try {
      setBackdrop(await backdropOf(file))
      setFault(null)
    } catch {
      setFault('backdrop')
    }
  }

  const engine = state.value?.engine
  const size = trial?.shown.value ?? null
  const needsModel = engine?.state === 'none' && engine.models.length === 0
  const complaint = pictures.fault ? said.faults[pictures.fault] : fault ? said.faults[fault] : null
  return (
    <section
      class="try"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault()
        const file = event.dataTransfer?.files[0]
        if (file) pictures.startFile(file)
      }}
    >
      <h1>{words.pages.try}</h1>
      <p class="try-about">
        {said.about} <span class="muted">{privacy()}</span>
      </p>
      <div class="try-columns">
        <div class="try-main">
          {needsModel && <NoModel engine={engine} />}
          <Card title={said.source.title}>
            <SourceBar pictures={pictures} video={video} />
            <div role="alert">{complaint && <Notice complaint={complaint} />}</div>
            {engine?.state !== 'none' && trial?.error.value && <Notice complaint={trial.error.value} />}
            <Stage
              canvas={canvas}
              video={video}
              run={picture?.run ?? 0}
              size={size}
              note={picture ? waitingFor(trial, engine) : said.source.drop}
              look={look}
              onDivider={(divider) => setLook({ ...look, divider })}
              onUnplayable={() => stop('unplayable')}
            />
          </Card>
          <FiguresCard figures={trial?.figures.value ?? null} source={size} />
          <RecordCard
            canvas={size ? canvas.current : null}
            isTransparent={look.view === 'result' && look.background === 'none'}
          />
        </div>
        <div class="try-side">
          <LookCard look={look} onChange={setLook} onBackdrop={(file) => void takeBackdrop(file)} />
          <NetworkCard
            settings={settings}
            size={size}
            isRunning={trial !== null}
            onChange={setSettings}
            onReset={() => trial?.reset()}
          />
        </div>
      </div>
    </section>
  )
}

/** Every WebGL 2 takes a texture of this side, and draws nothing of one that is beyond what it takes. */
const LONGEST_SIDE = 2048

/** @throws {DOMException} if this browser does not know the picture */
async function backdropOf(file: File): Promise<ImageBitmap> {
  const whole = await createImageBitmap(file, { premultiplyAlpha: 'none' })
  const scale = LONGEST_SIDE / Math.max(whole.width, whole.height)
  if (scale >= 1) return whole
  try {
    return await createImageBitmap(whole, {
      premultiplyAlpha: 'none',
      resizeWidth: Math.max(1, Math.round(scale * whole.width)),
      resizeHeight: Math.max(1, Math.round(scale * whole.height)),
      resizeQuality: 'high',
    })
  } finally {
    whole.close()
  }
}

function drawn({ colour, compares, divider, ...look }: ChosenLook): Look {
  return { ...look, colour: colourOf(colour), divider: compares ? divider : null }
}

/** Why no matte is there, or none for a while; null: there is. */
function waitingFor(trial: Trial | null, engine: EngineView | undefined): string | null {
  const said = words.try.waiting
  if (!trial || engine?.state === 'none') return null
  const hasMatte = trial.shown.value !== null
  if (trial.isLost.value) return said.gpu
  if (hasMatte && !trial.isLate.value) return null
  if (!trial.isOpen.value) return said.link
  if (engine?.state === 'starting') return hasMatte ? said.ended : said.engine
  if (trial.error.value) return null
  if (trial.isDropped.value && trial.isLate.value) return said.late
  return hasMatte ? null : said.first
}

function privacy(): string {
  const { hostname, host } = location
  const isHere = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  return isHere ? words.try.privacy : words.try.privacyElsewhere(host)
}
