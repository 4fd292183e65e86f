import { describe, expect, it } from 'vitest'
import { audioAdvice } from '../../../src/sidecar/panel/audio-advice.ts'
import { sourceView } from '../../../src/sidecar/panel/source-view.ts'
import { addReports, NO_HISTORY, sourceMetrics } from '../../../src/sidecar/main/metrics.ts'
import type { SourceReport } from '../../../src/sidecar/contract/inference-process.ts'
import { report, until } from '../main/told.ts'
import { PanelStage } from './panel-stage.ts'

// Seen red: with `because` left null where the filter fell back; with the error of the sidecar shown before the filter's.

const ID = '00000000000000a1'
const shown = (changes: Partial<SourceReport> = {}, received = 10) => {
  const [metrics] = sourceMetrics(addReports(NO_HISTORY, [{ ...report(ID, { received }), ...changes }]))
  return sourceView(metrics, [], (text) => text.replace('mattebox', 'npx mattebox'))
}
const given = report(ID, { received: 10 })

describe('a filter as it is shown', () => {
  it('has both sides’ drops and resets, by reason', () => {
    const { counts, resets } = shown({ filter: { ...given.filter!, dropped: { newer: 2, busy: 3 } } })
    expect(counts).toMatchObject({ received: 10, answered: 9, shown: 10, dropped: { newer: 3, busy: 3 } })
    expect(resets).toEqual({ first: 1, cut: 2 })
  })

  it('says why its pairing is not the one that was set, and what would suffice', () => {
    const settings = { ...given.settings!, max_delay_ms: 100 }
    const filter = { ...given.filter!, pairing: 'newest' as const, latencyMs: 140, sufficesMs: 207.3 }
    expect(shown({ settings, filter }).pairing).toEqual({
      inUse: 'newest',
      because: {
        code: 'FILTER_DELAY',
        message:
          'Mattes come 140 ms after their frames, and a frame may wait 100 ms: each frame is shown at once, with the newest matte.',
        mend: 'Raise the longest delay to 208 ms, or lower the ratio, so that mattes come sooner.',
      },
    })
    // No delay that can be set would suffice.
    expect(shown({ settings, filter: { ...filter, latencyMs: 900, sufficesMs: 1200 } }).pairing?.because?.mend).toBe(
      'Lower the ratio, so that mattes come sooner.',
    )
    // Most come in time: nothing to raise.
    expect(shown({ settings, filter: { ...filter, latencyMs: 60 } }).pairing?.because?.message).toBe(
      'Too many mattes came later than the 100 ms that a frame may wait: each frame is shown at once, with the newest matte.',
    )
    expect(shown({ settings: { ...settings, pairing: 'newest' }, filter }).pairing).toEqual({
      inUse: 'newest',
      because: null,
    })
    expect(shown().pairing).toEqual({ inUse: 'matched', because: null })
  })

  it('says that the room may be seen, where the policy is to show it', () => {
    expect(shown().roomIsShown).toBe(false)
    expect(shown({ settings: { ...given.settings!, when_unavailable: 'show' } }).roomIsShown).toBe(true)
  })

  it('tells the filter’s own error before the sidecar’s, with the command that works here', () => {
    const mine = { code: 'FILTER_MEMORY', message: 'No memory.', mend: 'Close programs.' }
    const theirs = { code: 'MODEL_NONE', message: 'No model.', mend: 'Run `mattebox models import FILE`.' }
    const sidecar = { ...given.sidecar, error: theirs }
    expect(shown({ sidecar, filter: { ...given.filter!, error: mine } }).error).toEqual(mine)
    expect(shown({ sidecar }).error?.mend).toBe('Run `npx mattebox models import FILE`.')
  })

  it('has no figures before it has told any, nor once it is gone', () => {
    expect(shown({ filter: null })).toMatchObject({
      lowResolution: null,
      ratio: null,
      pairing: null,
      figures: { fps: null, latencyMs: null, delayMs: null, inferenceMs: null },
    })
    const [metrics] = sourceMetrics(addReports(NO_HISTORY, [given]))
    expect(sourceView({ ...metrics, connected: false }, [], String).figures).toMatchObject({ fps: null, share: 0 })
  })

  it('tells its resets with time and scenes', () => {
    const reset = { atMs: 0, reason: 'scene', by: 'filter', from: 'Desk', to: null } as const
    expect(shown({ recentResets: [reset] }).recentResets).toEqual([
      { at: '1970-01-01T00:00:00.000Z', reason: 'scene', by: 'filter', from: 'Desk', to: null },
    ])
  })
})

describe('a delay that was added to audio', () => {
  const delay = { filterId: ID, input: 'Mic', originalMs: 0, addedMs: 67 }
  it('is said to have moved when the picture’s is another', () => {
    expect(audioAdvice(shown(), [delay])).toEqual([])
    expect(audioAdvice(shown(), [{ ...delay, addedMs: 100 }])).toEqual([])
    const [advice] = audioAdvice(shown(), [{ ...delay, addedMs: 133 }])
    expect(advice).toEqual({
      code: 'AUDIO_DELAY_MOVED',
      message: 'The picture is 67 ms late now, and Mic was given 133 ms: add the delay to the audio again.',
    })
    expect(audioAdvice(shown(), [{ ...delay, filterId: '00000000000000b2', addedMs: 133 }])).toEqual([])
  })
})

describe('the state of the panel', () => {
  it('follows the sidecar, OBS, what is kept and the models, and says that it changed', async () => {
    await using stage = await PanelStage.open({ always: { sources: [report(ID)] } })
    const { states, obs, keepsakes, models } = stage
    const changed = async (what: () => unknown) => {
      const heard = new Promise<void>((resolve) => states.once('change', () => resolve()))
      await what()
      await heard
    }
    expect(states.state).toMatchObject({
      version: '1.2.3',
      socket: '/stand-in',
      engine: { state: 'ready', model: 'default', models: [], restarts: 0, modelsFolder: models.folder },
      sources: [{ id: ID, advice: [] }],
      obs: { state: 'connected' },
      presets: [],
      error: null,
    })
    await changed(() => {
      obs.view = { ...obs.view, state: 'away', sources: null, hasPlugin: false }
      obs.emit('change')
    })
    // Its filter is connected, so there is a plugin.
    expect(states.state.obs).toMatchObject({ state: 'away', hasPlugin: true })
    await changed(() => keepsakes.putPreset({ name: 'Evening', settings: {} }))
    expect(states.state.presets).toHaveLength(1)
    process.kill(states.state.processes.find(({ role }) => role === 'serving')!.pid!, 'SIGKILL')
    await until(() => states.state.error !== null, 'the error')
    await until(() => states.state.engine.restarts > 0 && states.state.engine.state === 'ready', 'the restart')
    await changed(() => stage.sidecar.setEngine({ threads: 3 }))
    expect(states.state.engine.settings.threads).toBe(3)
  })

  it('has the scene’s preset taken on when the filter reports the scene', async () => {
    const on = (scene: string) => [{ ...report(ID), scene }]
    await using stage = await PanelStage.open({ always: { sources: on('Desk'), thenSources: on('Chat') } })
    await stage.keepsakes.putPreset({ name: 'Evening', settings: { feather: 2 } })
    await stage.keepsakes.putBinding({ scene: 'Chat', filterId: ID, preset: 'Evening' })
    await until(() => stage.states.state.sources[0].scene === 'Chat', 'the scene')
    await until(() => stage.states.state.sources[0].settings?.feather === 2, 'the preset')
    // Once: the reports that follow are no changes.
    await stage.sidecar.setEngine({ port: 5000 })
    expect(stage.heard.filter(({ kind }) => kind === 'set')).toEqual([
      { kind: 'set', filterId: ID, changes: { feather: 2 } },
    ])
  })
})
