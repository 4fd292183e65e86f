import { setTimeout as sleep } from 'node:timers/promises'
import { SCENES } from '../../native/obs-studio/obs-home.ts'
import { Stage, until, type Reset } from './stage.ts'

/** The values of the setting `reset_on_scene_change`; a filter of each name has it. */
export const SETTINGS = ['always', 'when-new', 'never'] as const

/** What each of the three filters did. */
export type Resets = Record<(typeof SETTINGS)[number], Reset[]>

const TRANSITION_MS = 3000
/** Longer than anything that a change can set off late. */
const QUIET_MS = 200
const QUIET_FRAMES = 6

/**
 * Scenes A and B with the same camera in both, and a scene without it (`ELSEWHERE`). Three filters are on the camera,
 * one per setting, so that all three see the very same changes. A is the program.
 */
export async function openSceneStage(duplicateScene: boolean): Promise<Stage> {
  const stage = await Stage.open({ duplicateScene })
  try {
    await stage.obs.call('SetCurrentProgramScene', { sceneName: 'A' })
    await stage.addCamera('A', 'camera')
    await stage.obs.call('CreateSceneItem', { sceneName: 'B', sourceName: 'camera' })
    for (const setting of SETTINGS) await stage.addFilter('camera', setting, { reset_on_scene_change: setting })
    await allMatted(stage)
    return stage
  } catch (error) {
    await stage[Symbol.asyncDispose]()
    throw error
  }
}

/** Waits until every filter shows pairs, and nothing else for a second. */
export async function allMatted(stage: Stage): Promise<void> {
  const settled = async (setting: string): Promise<void> => {
    for (let covered = -1; ;) {
      const stats = await stage.statsOf(setting)
      if (stats.shown > 0 && stats.covered === covered) return
      covered = stats.covered
    }
  }
  await Promise.all(SETTINGS.map(settled))
}

/** How many output frames of each filter showed the policy's picture in place of the camera. */
export async function coveredFrames(stage: Stage): Promise<number[]> {
  return Promise.all(SETTINGS.map(async (setting) => (await stage.statsOf(setting)).covered))
}

/** Waits until every filter has sent some more frames: a machine's time, however slow it is. */
export async function framesPass(stage: Stage, count: number): Promise<void> {
  const wanted = SETTINGS.map((setting) => stage.framesOf(setting) + count)
  const passed = (): boolean => SETTINGS.every((setting, i) => stage.framesOf(setting) >= wanted[i])
  await until(passed, `the filters did not send ${count} more frames`)
}

/** The resets of each filter that a change brought; the camera must be on show after it. */
export async function resetsOfChange(stage: Stage, change: () => Promise<unknown>): Promise<Resets> {
  const before = SETTINGS.map((setting) => stage.resetsOf(setting).length)
  await change()
  await sleep(QUIET_MS)
  await framesPass(stage, QUIET_FRAMES)
  const [always, whenNew, never] = SETTINGS.map((setting, i) => stage.resetsOf(setting).slice(before[i]))
  return { always, 'when-new': whenNew, never }
}

/** Makes a scene the program, and waits for the transition's end. */
export async function cutTo(stage: Stage, scene: string): Promise<void> {
  if ((await stage.obs.call('GetSceneList')).currentProgramSceneName === scene) return
  await transition(stage, () => stage.obs.call('SetCurrentProgramScene', { sceneName: scene }))
}

/** Does what begins a transition, and waits for its end. */
export async function transition(stage: Stage, begin: () => Promise<unknown>): Promise<void> {
  const ended = new Promise<void>((resolve) => stage.obs.socket.once('SceneTransitionEnded', () => resolve()))
  await begin()
  const late = sleep(TRANSITION_MS, true, { ref: false })
  if ((await Promise.race([ended, late])) === true) throw new Error('The transition did not end.')
}

/** Moves the T-bar, 0..1, as a hand does, and lets it go at the last position. */
export async function moveTBar(stage: Stage, positions: readonly number[]): Promise<void> {
  for (const [i, position] of positions.entries()) {
    await stage.obs.call('SetTBarPosition', { position, release: i === positions.length - 1 })
    await framesPass(stage, 2)
  }
}

/** Without the camera. */
export const ELSEWHERE = SCENES[0]
