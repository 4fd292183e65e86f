import type { AddFilter, ChangeFilter, NamedFilter, ObsLogin, ObsView } from '../../api/index.ts'
import type { ModelGetter } from '../../models/model-getter.ts'
import type { ModelStore } from '../../models/model-store.ts'
import type { Keepsakes } from '../main/keepsakes.ts'
import type { Sidecar } from '../main/sidecar.ts'

/** OBS through its WebSocket, as far as the panel goes; src/obs has it. */
interface ObsSide {
  readonly view: ObsView
  on(event: 'change', listener: () => void): unknown
  off(event: 'change', listener: () => void): unknown
  login(login: ObsLogin): Promise<void>
  addFilter(filter: AddFilter): Promise<{ readonly filterId: string | null }>
  removeFilter(filter: NamedFilter): Promise<void>
  changeFilter(change: ChangeFilter): Promise<void>
  /** Of an audio input, in milliseconds. */
  audioOffset(input: string): Promise<number>
  setAudioOffset(input: string, ms: number): Promise<void>
}

/** What the panel shows and changes. */
export interface PanelParts {
  readonly sidecar: Sidecar
  readonly obs: ObsSide
  readonly keepsakes: Keepsakes
  readonly models: ModelStore
  readonly modelGetter: ModelGetter
  /** Beyond loopback. */
  readonly isExposed: boolean
  /** How the user can call mattebox from where he is. */
  readonly invocation: string
  /** Puts it into the commands of a mend. */
  readonly localize: (text: string) => string
}
