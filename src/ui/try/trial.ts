import { signal } from '@preact/signals'
import type { TryFrame } from '../../api/index.ts'
import type { Complaint } from '../../errors/complaint.ts'
import { words } from '../locale/index.ts'
import type { Look } from '../matte/look.ts'
import { MattePainter } from '../matte/matte-painter.ts'
import { matteSize, type MatteSize } from '../matte/size.ts'
import type { ReceivedMatte } from '../matte/try-message.ts'
import type { UsedFrame } from './export.ts'
import { Meter, type TryFigures } from './figures.ts'
import { onNewFrames } from './new-frames.ts'
import { TryLink } from './try-link.ts'

/** What the network is asked for. */
export interface TrySettings {
  /** 0: auto. */
  readonly ratio: number
  readonly refiner: TryFrame['refiner']
  readonly decontaminate: boolean
  readonly cutDetection: boolean
}

/** `jump`: the video began again, or was moved. */
type OwnReset = 'asked' | 'jump'

interface FrameInFlight {
  readonly low: MatteSize
  readonly rgba: Uint8Array
  readonly sentAtMs: number
  /** Why the network was to forget before it. */
  readonly reset: OwnReset | null
}

/** Without a matte for this long, the picture is said to wait. */
const LATE_MS = 1500
/** After an error, until the next frame. */
const PAUSE_MS = 500

/** The way of a video's frames: made small, sent, and shown with their own mattes; newest first. */
export class Trial {
  readonly figures = signal<TryFigures | null>(null)
  /** Why there is no matte; null as soon as there is one. */
  readonly error = signal<Complaint | null>(null)
  /** There was no matte for a while. */
  readonly isLate = signal(false)
  /** The last frame was dropped: others went first, or nothing was there to take it. */
  readonly isDropped = signal(false)
  readonly isOpen = signal(false)
  /** The browser has taken the GPU away; it gives it back by itself. */
  readonly isLost = signal(false)
  /** Size of the picture that is shown; null before the first. */
  readonly shown = signal<{ readonly width: number; readonly height: number } | null>(null)
  readonly #video: HTMLVideoElement
  readonly #onUsed: ((frame: UsedFrame) => void) | undefined
  readonly #link: TryLink
  readonly #ends: (() => void)[] = []
  #pauseTimer: number | undefined
  #painter: MattePainter | undefined
  #settings: TrySettings
  #look: Look
  #backdrop: ImageBitmap | undefined
  #meter = new Meter()
  #inFlight: FrameInFlight | undefined
  #nextId = 0
  #hasNew = false
  #reset: OwnReset | null = null
  #isPaused = false
  #lastMatteMs = performance.now()

  /**
   * @param onUsed - is told of every frame that was shown, for tests
   * @throws {Error} if this browser has no WebGL 2
   */
  constructor(
    video: HTMLVideoElement,
    canvas: HTMLCanvasElement,
    given: {
      readonly settings: TrySettings
      readonly look: Look
      readonly onUsed?: ((frame: UsedFrame) => void) | undefined
    },
  ) {
    this.#video = video
    this.#settings = given.settings
    this.#look = given.look
    this.#onUsed = given.onUsed
    this.#painter = new MattePainter(canvas)
    this.#link = new TryLink({
      onMatte: (matte) => this.#show(matte),
      onDropped: () => {
        this.isDropped.value = true
        this.#forget()
      },
      onError: (error) => this.#fail(error),
      onOpen: (isOpen) => {
        // The other side knows a client by its connection: another one begins with an empty memory.
        this.isOpen.value = isOpen
        this.#next()
      },
    })
    this.#ends.push(onNewFrames(video, () => this.#offer()))
    this.#listen(video, 'seeking', () => (this.#reset = 'jump'))
    this.#listen(canvas, 'webglcontextlost', (event) => {
      // Without this it would never come back.
      event.preventDefault()
      this.#painter = undefined
      this.isLost.value = true
    })
    this.#listen(canvas, 'webglcontextrestored', () => {
      this.#painter = new MattePainter(canvas)
      if (this.#backdrop) this.#painter.setBackdrop(this.#backdrop)
      this.isLost.value = false
      this.#offer()
    })
    const watch = setInterval(() => {
      this.isLate.value = !video.paused && performance.now() - this.#lastMatteMs > LATE_MS
    }, 500)
    this.#ends.push(() => clearInterval(watch))
  }

  end(): void {
    for (const end of this.#ends) end()
    clearTimeout(this.#pauseTimer)
    this.#link.close()
    this.#painter?.release()
    this.#painter = undefined
  }

  set settings(settings: TrySettings) {
    this.#settings = settings
    // A paused picture is matted again.
    this.#offer()
  }

  set look(look: Look) {
    this.#look = look
    this.#draw()
  }

  set backdrop(bitmap: ImageBitmap) {
    this.#backdrop = bitmap
    this.#painter?.setBackdrop(bitmap)
    this.#draw()
  }

  /** The network forgets what it saw, before the next frame. */
  reset(): void {
    this.#reset = 'asked'
    this.#offer()
  }

  #listen(target: EventTarget, name: string, heard: (event: Event) => void): void {
    target.addEventListener(name, heard)
    this.#ends.push(() => target.removeEventListener(name, heard))
  }

  #offer(): void {
    this.#hasNew = true
    this.#next()
  }

  /** Sends the newest frame, where none is in flight. */
  #next(): void {
    const { videoWidth: width, videoHeight: height, readyState } = this.#video
    const hasPicture = readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && width > 0 && height > 0
    if (!this.#hasNew || !hasPicture || !this.#painter || this.#isPaused || !this.#link.isFree) return
    this.#hasNew = false
    const { ratio, refiner, decontaminate, cutDetection } = this.#settings
    const low = matteSize(width, height, ratio)
    const sentAtMs = performance.now()
    let rgba: Uint8Array
    try {
      rgba = this.#painter.capture(this.#video, { width, height }, low)
    } catch (cause) {
      return this.#fail(unbuilt(cause))
    }
    const reset = this.#reset
    this.#reset = null
    this.#inFlight = { low, rgba, sentAtMs, reset }
    const frame: TryFrame = {
      id: this.#nextId++,
      width: low.width,
      height: low.height,
      refiner: low.width === width && low.height === height ? 'none' : refiner,
      planes: decontaminate ? 8 : 2,
      reset: reset !== null,
      cutDetection,
    }
    this.#link.send(frame, rgba)
  }

  #show({ header, planes }: ReceivedMatte): void {
    const sent = this.#inFlight
    this.#inFlight = undefined
    // The picture may have gone with the graphics card.
    if (!sent || !this.#painter?.accept(header, planes)) return this.#next()
    this.#lastMatteMs = performance.now()
    this.error.value = null
    this.isLate.value = false
    this.isDropped.value = false
    if (!this.#draw()) return this.#pause()
    if (this.#onUsed) this.#onUsed({ header, low: sent.rgba, ...this.#painter.read() })
    const size = this.#painter.shown
    if (size && (size.width !== this.shown.value?.width || size.height !== this.shown.value.height)) {
      this.shown.value = { width: size.width, height: size.height }
    }
    // The other side only knows that it was asked.
    const reset = header.reset === 'asked' ? sent.reset : header.reset
    const frame = {
      atMs: this.#lastMatteMs,
      roundTripMs: this.#lastMatteMs - sent.sentAtMs,
      matte: { ...header, reset },
      low: sent.low,
    }
    this.figures.value = this.#meter.answered(frame, new Date())
    this.#next()
  }

  #forget(): void {
    this.#reset ??= this.#inFlight?.reset ?? null
    this.#inFlight = undefined
    this.#painter?.discard()
    // It may be the only one, of a paused video.
    this.#hasNew = true
    this.#pause()
  }

  #fail(error: Complaint): void {
    this.error.value = error
    this.#forget()
  }

  /** Frames that get no matte must not follow one another as fast as they can be made. */
  #pause(): void {
    this.#isPaused = true
    clearTimeout(this.#pauseTimer)
    this.#pauseTimer = window.setTimeout(
      () => {
        this.#isPaused = false
        this.#next()
      },
      this.error.value ? PAUSE_MS : 30,
    )
  }

  /** Whether nothing went wrong with it. */
  #draw(): boolean {
    try {
      this.#painter?.draw(this.#look)
      return true
    } catch (cause) {
      this.error.value = unbuilt(cause)
      return false
    }
  }
}

/** Programs for the GPU are built when they are first wanted, and a driver may refuse one. */
function unbuilt(cause: unknown): Complaint {
  return { code: 'PAGE', ...words.try.unbuilt(cause instanceof Error ? cause.message : String(cause)) }
}
