/**
 * Takes the pictures of docs/guide.md, from the real OBS with the real sidecar and the demo clip: `npm run pictures`
 * (needs a model: MATTEBOX_MODEL). No test of anything; skipped otherwise.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { ObsStudio } from '../../native/obs-studio/obs-studio.ts'
import { builtPlugin } from '../obs-studio/built-plugin.ts'
import { compiledMattebox, Mattebox } from '../obs-live/mattebox.ts'

const model = process.env['MATTEBOX_MODEL']
const PICTURES = 'docs/pictures'

describe.skipIf(model === undefined)('pictures of the guide', { timeout: 300_000 }, () => {
  it('are taken', async () => {
    const program = compiledMattebox()
    let sidecar: Mattebox | undefined
    await using obs = await ObsStudio.start({
      plugin: builtPlugin,
      prepare: (home) => {
        for (const file of ['global.ini', 'user.ini']) {
          const path = home.path(`.config/obs-studio/${file}`)
          writeFileSync(path, readFileSync(path, 'utf8').replaceAll('PreviewEnabled=false', 'PreviewEnabled=true'))
        }
        copyFileSync('demo/astronaut.webm', home.path('camera.webm'))
        const socket = home.path('.local/state/mattebox/channel.sock')
        sidecar = Mattebox.start({ program: program.path, home: home.folder, socket, args: ['--model', model!] })
        return Promise.resolve()
      },
    })
    try {
      const sceneName = 'Scene'
      await obs.call('CreateInput', {
        sceneName,
        inputName: 'Beach',
        inputKind: 'color_source_v3',
        inputSettings: { color: 0xff_c8_8a_3c, width: 640, height: 360 },
      })
      const { sceneItemId } = await obs.call('CreateInput', {
        sceneName,
        inputName: 'Camera',
        inputKind: 'ffmpeg_source',
        inputSettings: { local_file: obs.home.path('camera.webm'), is_local_file: true, looping: true },
      })
      await obs.call('SetSceneItemTransform', {
        sceneName,
        sceneItemId,
        sceneItemTransform: {
          boundsType: 'OBS_BOUNDS_SCALE_INNER',
          boundsWidth: 640,
          boundsHeight: 360,
          boundsAlignment: 0,
        },
      })
      await sleep(3000)
      grab(obs, 'obs-before')
      await obs.call('CreateSourceFilter', {
        sourceName: 'Camera',
        filterName: 'Mattebox background removal',
        filterKind: 'mattebox_filter',
        // Two cores without a GPU draw OBS as well.
        filterSettings: { ratio: 0.4, max_delay_ms: 500 },
      })
      await sidecar!.until(() => (sidecar!.source('Camera')?.totals.answered ?? 0) > 30, 30_000)
      grab(obs, 'obs-matted')
      await obs.call('OpenInputFiltersDialog', { inputName: 'Camera' })
      await sleep(4000)
      grab(obs, 'obs-filter')
    } finally {
      await sidecar?.end()
      program.remove()
    }
  })
})

/** A picture of the whole display. */
function grab(obs: ObsStudio, name: string): void {
  const path = `${PICTURES}/${name}.png`
  rmSync(path, { force: true })
  const input = ['-f', 'x11grab', '-draw_mouse', '0', '-video_size', '1280x800', '-i', obs.display.name]
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', ...input, '-frames:v', '1', path], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
}
