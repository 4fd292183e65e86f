/** Why there is no picture from a camera. */
export type CameraFault = 'dock' | 'insecure' | 'denied' | 'none' | 'busy' | 'failed'

export interface Camera {
  readonly id: string
  readonly label: string
}

/** OBS's browser docks are Chromium without a way to allow a camera. */
export function isObsDock(): boolean {
  return 'obsstudio' in window || / OBS\//.test(navigator.userAgent)
}

/** Why a camera cannot even be asked for; null: it can. */
export function cameraObstacle(): CameraFault | null {
  if (isObsDock()) return 'dock'
  // Browsers offer cameras to https and to this computer alone.
  return 'mediaDevices' in navigator ? null : 'insecure'
}

/**
 * Asks for a camera.
 *
 * @param id - undefined: the browser's choice
 * @throws {DOMException} see `cameraFault`
 */
export function openCamera(id: string | undefined): Promise<MediaStream> {
  const wanted = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } }
  return navigator.mediaDevices.getUserMedia({
    video: id === undefined ? wanted : { ...wanted, deviceId: { exact: id } },
    audio: false,
  })
}

/** Lets a camera go: its light goes out. */
export function closeCamera(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop()
}

export function cameraFault(cause: unknown): CameraFault {
  const name = cause instanceof DOMException ? cause.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied'
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'none'
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy'
  return 'failed'
}

/** The cameras there are; they bear names only after one was allowed. */
export async function listCameras(): Promise<Camera[]> {
  const devices = await navigator.mediaDevices.enumerateDevices()
  const cameras = devices.filter(({ kind, deviceId }) => kind === 'videoinput' && deviceId !== '')
  return cameras.map(({ deviceId, label }) => ({ id: deviceId, label }))
}
