import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cannotRunObs } from './built-plugin.ts'
import {
  allMatted,
  coveredFrames,
  cutTo,
  framesPass,
  ELSEWHERE,
  moveTBar,
  openSceneStage,
  resetsOfChange,
  SETTINGS,
  transition,
  type Resets,
} from './scene-stage.ts'
import type { Stage } from './stage.ts'

/*
 * Every way in which the program's scene changes, in real OBS: how often the network forgets, by the three values of
 * `reset_on_scene_change`, and that no frame is lost to the policy's picture.
 *
 * Seen red: without the tick's look at the channel in native/obs-plugin/scene-watch.c the T-bar that goes back fails;
 * with `when-new` taken for `always` 20 of these do; with the pairs forgotten at a reset (resets.c) the three "no frame".
 */

/** One change, with the camera in both scenes. */
const changed = (from: string, to: string): Resets => ({
  always: [{ reason: 'scene', from, to }],
  'when-new': [],
  never: [],
})
const unchanged: Resets = { always: [], 'when-new': [], never: [] }

describe.skipIf(cannotRunObs())('scene changes in real OBS', () => {
  describe.each([{ duplicateScene: true }, { duplicateScene: false }])(
    'studio mode with Duplicate Scene: $duplicateScene',
    ({ duplicateScene }) => {
      let stage: Stage

      beforeAll(async () => {
        stage = await openSceneStage(duplicateScene)
      })
      afterAll(async () => {
        await stage[Symbol.asyncDispose]()
      })

      const change = (act: () => Promise<unknown>): Promise<Resets> => resetsOfChange(stage, act)
      const setTransition = (transitionName: string): Promise<unknown> =>
        stage.obs.call('SetCurrentSceneTransition', { transitionName })
      const setStudioMode = (studioModeEnabled: boolean): Promise<unknown> =>
        stage.obs.call('SetStudioModeEnabled', { studioModeEnabled })
      const program = async (): Promise<string> => (await stage.obs.call('GetSceneList')).currentProgramSceneName
      const preview = (scene: string): Promise<void> => stage.preview(scene)

      // The transitions themselves have nothing to do with that option.
      describe.skipIf(!duplicateScene)('by a transition', () => {
        it('one reset for a cut, only with `always`: the camera was on show', async () => {
          await setTransition('Cut')
          expect(await change(() => cutTo(stage, 'B'))).toEqual(changed('A', 'B'))
        })

        it('one for a fade', async () => {
          await setTransition('Fade')
          expect(await change(() => cutTo(stage, 'A'))).toEqual(changed('B', 'A'))
        })

        it('one for a stinger, when the new scene begins its way in', async () => {
          await setTransition('Stinger')
          expect(await change(() => cutTo(stage, 'B'))).toEqual(changed('A', 'B'))
        })

        it("one for a scene's own transition in place of the usual one", async () => {
          const override = { sceneName: 'A', transitionName: 'Fade', transitionDuration: 200 }
          await stage.obs.call('SetSceneSceneTransitionOverride', override)
          expect(await change(() => cutTo(stage, 'A'))).toEqual(changed('B', 'A'))
          // OBS then puts the usual transition back on the channel: that is no change.
          expect(await change(() => cutTo(stage, 'B'))).toEqual(changed('A', 'B'))
          await stage.obs.call('SetSceneSceneTransitionOverride', { ...override, transitionName: 'Cut' })
          await setTransition('Cut')
        })

        it('none where the scene that is shown is chosen again', async () => {
          expect(await change(() => stage.obs.call('SetCurrentProgramScene', { sceneName: 'B' }))).toEqual(unchanged)
        })

        it('none for another transition alone', async () => {
          expect(await change(() => setTransition('Fade'))).toEqual(unchanged)
          await cutTo(stage, 'A')
        })

        // A machine that halts OBS for half a second may try again.
        it('no frame of all these shows the policy in place of the camera', { retry: 3 }, async () => {
          const covered = await coveredFrames(stage)
          for (const name of ['Cut', 'Fade', 'Stinger']) {
            await setTransition(name)
            await cutTo(stage, 'B')
            await cutTo(stage, 'A')
          }
          await setTransition('Cut')
          expect(await coveredFrames(stage)).toEqual(covered)
        })
      })

      describe('in studio mode', () => {
        it('none for entering it', async () => {
          expect(await change(() => setStudioMode(true))).toEqual(unchanged)
        })

        it('none for another preview', async () => {
          expect(await change(() => preview('B'))).toEqual(unchanged)
        })

        it('one for the transition to it', async () => {
          const act = (): Promise<unknown> => stage.obs.call('TriggerStudioModeTransition')
          expect(await change(() => transition(stage, act))).toEqual(changed('A', 'B'))
        })

        it('none for a transition to the scene that is shown already', async () => {
          await preview('B')
          expect(await change(() => stage.obs.call('TriggerStudioModeTransition'))).toEqual(unchanged)
        })

        it('no frame of these shows the policy in place of the camera', { retry: 3 }, async () => {
          const covered = await coveredFrames(stage)
          for (const scene of ['A', 'B']) {
            await preview(scene)
            await transition(stage, () => stage.obs.call('TriggerStudioModeTransition'))
          }
          expect(await coveredFrames(stage)).toEqual(covered)
        })

        it('one for the T-bar there, one for it back', async () => {
          await setTransition('Fade')
          await preview('A')
          const push = (): Promise<unknown> => transition(stage, () => moveTBar(stage, [0.2, 0.5, 0.8, 1]))
          expect(await change(push)).toEqual(changed('B', 'A'))
          await preview('B')
          expect(await change(push)).toEqual(changed('A', 'B'))
        })

        it('none for leaving it with the same scene in both halves', async () => {
          await preview(await program())
          expect(await change(() => setStudioMode(false))).toEqual(unchanged)
        })

        it('one when the T-bar leaves, one when it is let go where it came from', async () => {
          await cutTo(stage, 'A')
          await setStudioMode(true)
          await setTransition('Fade')
          await stage.preview('B')
          const resets = await change(async () => {
            await moveTBar(stage, [0.2, 0.5, 0.2, 0])
            await sleep(1000) // OBS lets the picture glide after the hand
          })
          expect(resets).toEqual({
            always: [...changed('A', 'B').always, ...changed('B', 'A').always],
            'when-new': [],
            never: [],
          })
        })

        afterAll(async () => {
          await setTransition('Cut')
          // OBS 29 takes B for the program while A is on show; this makes both true.
          await setStudioMode(false)
        })
      })

      it('one when the current scene is removed', async () => {
        await stage.obs.call('CreateScene', { sceneName: 'Gone' })
        await stage.obs.call('CreateSceneItem', { sceneName: 'Gone', sourceName: 'camera' })
        await cutTo(stage, 'Gone')
        await framesPass(stage, 3)
        const resets = await change(async () => {
          await stage.obs.call('RemoveScene', { sceneName: 'Gone' })
          await expect.poll(program).not.toBe('Gone')
        })
        expect(resets).toEqual(changed('Gone', await program()))
        await cutTo(stage, 'A')
      })

      it('the sidecar was told of every epoch since it knows the filter, and the frames bear the last', async () => {
        await framesPass(stage, 3)
        for (const setting of SETTINGS) {
          const { told, inFrames } = stage.epochsOf(setting)
          expect(told).toEqual(told.map((_, i) => told[0] + i))
          expect(inFrames.at(-1)).toBe(told.at(-1) ?? 1)
        }
      })

      it('`when-new` resets where the camera comes back into the picture', async () => {
        const resets = await change(async () => {
          await cutTo(stage, ELSEWHERE)
          await sleep(300) // less than makes it a gap
          await cutTo(stage, 'A')
        })
        expect(resets['when-new']).toEqual([{ reason: 'scene', from: ELSEWHERE, to: 'A' }])
        // Two changes; they are one reset where no frame was captured while OBS still drew the cut away.
        expect([['scene'], ['scene', 'scene']]).toContainEqual(resets.always.map(({ reason }) => reason))
        expect(resets.never).toEqual([])
      })

      it('away for over a second even `never` has a reset, for the gap; the others still have theirs for the scene', async () => {
        const resets = await change(async () => {
          await cutTo(stage, ELSEWHERE)
          await sleep(1500)
          await cutTo(stage, 'A')
        })
        expect(resets.never).toEqual([{ reason: 'gap', from: null, to: null }])
        expect(resets['when-new']).toEqual([{ reason: 'scene', from: ELSEWHERE, to: 'A' }])
        expect(resets.always.at(0)?.reason).toBe('scene')
        expect(resets.always.length).toBeLessThanOrEqual(2)
      })

      it('another collection and back: a new filter under the old id, which has nothing to forget', async () => {
        const ids = SETTINGS.map((setting) => stage.idsOf(setting).at(-1))
        const resets = await change(async () => {
          await stage.obs.call('CreateSceneCollection', { sceneCollectionName: 'U' })
          await sleep(300)
          await stage.obs.call('SetCurrentSceneCollection', { sceneCollectionName: 'T' })
          await allMatted(stage)
        })
        expect(SETTINGS.map((setting) => stage.idsOf(setting).at(-1))).toEqual(ids)
        const reasons = SETTINGS.flatMap((setting) => resets[setting].map(({ reason }) => reason))
        // Until its memory has the camera's size a new filter may say `size`.
        expect(reasons.filter((reason) => reason !== 'first' && reason !== 'size')).toEqual([])
      })
    },
  )
})
