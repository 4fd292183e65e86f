import { effect, signal } from '@preact/signals'
import { isConnected, state } from '../live.ts'
import { History } from './history.ts'
import { sampleOf, silenceAt, type Sample } from './sample.ts'

/** Takes a sample of every state, whichever page is shown: the plots are full when they are looked at. */

const history = new History()

/** The last five minutes, oldest first. */
export const samples = signal<readonly Sample[]>(history.samples)

/** Unix time by a clock that nobody sets back. */
export const sampleTime = (): number => performance.timeOrigin + performance.now()

effect(() => {
  if (!state.value) return
  history.add(isConnected.value ? sampleOf(state.value, sampleTime()) : silenceAt(sampleTime()))
  samples.value = history.samples
})
