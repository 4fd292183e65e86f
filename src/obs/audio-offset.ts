import { MatteboxError } from '../errors/index.ts'
import { hasStatus, refused, STATUS, type ObsSocket } from './obs-socket.ts'

/**
 * By how much an input's sound is delayed, in milliseconds.
 *
 * @throws {MatteboxError} OBS_SOURCE_NONE, OBS_REFUSED, OBS_AWAY, OBS_SILENT
 */
export async function readAudioOffset(socket: ObsSocket, inputName: string): Promise<number> {
  return (await asked(inputName, () => socket.call('GetInputAudioSyncOffset', { inputName }))).inputAudioSyncOffset
}

/**
 * @param offsetMs - whole milliseconds, -950..20000
 * @throws {MatteboxError} OBS_SOURCE_NONE, OBS_REFUSED, OBS_AWAY, OBS_SILENT
 */
export async function writeAudioOffset(socket: ObsSocket, inputName: string, offsetMs: number): Promise<void> {
  const data = { inputName, inputAudioSyncOffset: Math.round(offsetMs) }
  await asked(inputName, () => socket.call('SetInputAudioSyncOffset', data))
}

async function asked<T>(input: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request()
  } catch (error) {
    if (!hasStatus(error, STATUS.ResourceNotFound)) throw refused(error)
    const message = `There is no audio input “${input}” in OBS.`
    throw new MatteboxError('OBS_SOURCE_NONE', message, 'It was removed or renamed: choose it anew.')
  }
}
