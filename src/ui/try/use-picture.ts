import { useEffect, useRef, useState } from 'preact/hooks'
import clip from '../../../demo/astronaut.webm?url'
import {
  cameraFault,
  cameraObstacle,
  closeCamera,
  listCameras,
  openCamera,
  type Camera,
  type CameraFault,
} from './camera.ts'

/** Where the picture comes from. */
export type Picture = {
  /** Differs from picture to picture. */
  readonly run: number
} & Origin

type Origin =
  | { readonly kind: 'camera'; readonly stream: MediaStream; readonly id: string }
  | { readonly kind: 'file' | 'clip'; readonly address: string }

export type PictureFault = CameraFault | 'ended' | 'hidden' | 'unplayable'

export interface Pictures {
  readonly picture: Picture | null
  readonly fault: PictureFault | null
  readonly isOpening: boolean
  readonly cameras: readonly Camera[]
  readonly startCamera: (id?: string) => Promise<void>
  readonly startFile: (file: File) => void
  readonly startClip: () => void
  readonly stop: (fault?: PictureFault) => void
}

/** The one picture in use. A camera is let go with it, when the page is hidden, and when it is left. */
export function usePicture(): Pictures {
  const [picture, setPicture] = useState<Picture | null>(null)
  const [fault, setFault] = useState<PictureFault | null>(null)
  const [isOpening, setOpening] = useState(false)
  const [cameras, setCameras] = useState<readonly Camera[]>([])
  const current = useRef<Picture | null>(null)
  /** Counts what was asked for: a camera that is allowed late may no longer be wanted. */
  const asked = useRef(0)

  const replace = (origin: Origin | null, why: PictureFault | null): void => {
    asked.current++
    release(current.current)
    current.current = origin && { ...origin, run: asked.current }
    setPicture(current.current)
    setFault(why)
    setOpening(false)
  }

  const startCamera = async (id?: string): Promise<void> => {
    replace(null, cameraObstacle())
    if (cameraObstacle() !== null) return
    const mine = asked.current
    const isWanted = (): boolean => asked.current === mine
    setOpening(true)
    try {
      const stream = await openCamera(id)
      if (!isWanted()) return closeCamera(stream)
      if (document.hidden) {
        closeCamera(stream)
        return replace(null, 'hidden')
      }
      const [track] = stream.getVideoTracks()
      track.onended = () => current.current?.kind === 'camera' && replace(null, 'ended')
      replace({ kind: 'camera', stream, id: track.getSettings().deviceId ?? '' }, null)
      setCameras(await listCameras())
    } catch (cause) {
      if (isWanted()) replace(null, cameraFault(cause))
    }
  }

  useEffect(() => {
    const whereHidden = (): void => {
      if (document.hidden && current.current?.kind === 'camera') replace(null, 'hidden')
    }
    const leave = (): void => replace(null, null)
    document.addEventListener('visibilitychange', whereHidden)
    addEventListener('pagehide', leave)
    return () => {
      document.removeEventListener('visibilitychange', whereHidden)
      removeEventListener('pagehide', leave)
      asked.current++
      release(current.current)
    }
  }, [])

  return {
    picture,
    fault,
    isOpening,
    cameras,
    startCamera,
    startFile: (file) => replace({ kind: 'file', address: URL.createObjectURL(file) }, null),
    startClip: () => replace({ kind: 'clip', address: clip }, null),
    stop: (why) => replace(null, why ?? null),
  }
}

function release(picture: Origin | null): void {
  if (picture?.kind === 'camera') closeCamera(picture.stream)
  else if (picture?.kind === 'file') URL.revokeObjectURL(picture.address)
}
