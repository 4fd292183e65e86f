/** Kinds of OBS's sources, whose version at the end (`_v2`) does not matter here. */

/** Kind of our filter, as native/obs-plugin registers it. */
export const OUR_KIND = 'mattebox_filter'

/** Cameras, and cards that cameras are plugged into. */
const CAMERAS = new Set([
  'v4l2_input',
  'dshow_input',
  'av_capture_input',
  'macos-avcapture',
  'macos-avcapture-fast',
  'pipewire-camera-source',
  'decklink-input',
  'aja_source',
  'droidcam_obs',
])

/** Where OBS does not tell what a source gives (obs-websocket before 5.5): those without a picture. */
const SOUND_ONLY = /^(alsa|asio|pulse|jack|oss|sndio|wasapi|coreaudio|pipewire_audio|sck_audio|audio)(_|$)/

/** libobs's OBS_SOURCE_VIDEO. */
const GIVES_PICTURE = 1

export function isCamera(kind: string): boolean {
  return CAMERAS.has(kind.replace(/_v\d+$/, ''))
}

/** @param outputFlags - libobs's, where OBS tells them */
export function hasPicture(kind: string, outputFlags: number | undefined): boolean {
  return outputFlags === undefined ? !SOUND_ONLY.test(kind) : (outputFlags & GIVES_PICTURE) !== 0
}
