import { setTimeout as sleep } from 'node:timers/promises'
import { FakeSidecar } from '../../fake-sidecar/fake-sidecar.ts'
import type { Behaviour } from '../../fake-sidecar/behaviour.ts'
import { makeMovingClip, makeStingerClip } from '../../native/obs-studio/clips.ts'
import { STINGER_CLIP, type ObsHome } from '../../native/obs-studio/obs-home.ts'
import { ObsStudio, type ObsOptions } from '../../native/obs-studio/obs-studio.ts'
import { builtPlugin } from './built-plugin.ts'

/** A reset as the sidecar hears of it. */
export interface Reset {
  readonly reason: string
  readonly from: string | null
  readonly to: string | null
}

export interface StageOptions extends Pick<ObsOptions, 'duplicateScene' | 'launcher'> {
  readonly behaviour?: Partial<Behaviour>
}

const CAMERA_CLIP = 'camera.mp4'

/** Real OBS with the plugin, a fake sidecar at its socket, and clips to film. */
export class Stage {
  private constructor(
    readonly obs: ObsStudio,
    readonly sidecar: FakeSidecar,
  ) {}

  static async open({ behaviour, ...options }: StageOptions = {}): Promise<Stage> {
    let sidecar: FakeSidecar | undefined
    const prepare = async (home: ObsHome): Promise<void> => {
      await makeMovingClip(home.path(CAMERA_CLIP))
      await makeStingerClip(home.path(STINGER_CLIP))
      // Where the plugin looks for it in this home.
      const socket = home.path('.local/state/mattebox/channel.sock')
      sidecar = new FakeSidecar({ socket, behaviour: { planes: 2, ...behaviour } })
    }
    try {
      const obs = await ObsStudio.start({ ...options, plugin: builtPlugin, prepare })
      return new Stage(obs, sidecar!)
    } catch (error) {
      await sidecar?.close()
      throw error
    }
  }

  /** A looping clip as a source of this scene. */
  async addCamera(scene: string, camera: string): Promise<void> {
    await this.obs.call('CreateInput', {
      sceneName: scene,
      inputName: camera,
      inputKind: 'ffmpeg_source',
      inputSettings: { local_file: this.obs.home.path(CAMERA_CLIP), is_local_file: true, looping: true },
    })
  }

  /** Our filter; resolves when the sidecar has welcomed it. */
  async addFilter(source: string, filter: string, settings: Record<string, string | number | boolean>): Promise<void> {
    await this.obs.call('CreateSourceFilter', {
      sourceName: source,
      filterName: filter,
      filterKind: 'mattebox_filter',
      filterSettings: settings,
    })
    await until(() => this.#connections(filter).length > 0, `the filter ${filter} did not connect`)
  }

  /** Chooses studio mode's preview; OBS answers before it has done so. */
  async preview(sceneName: string): Promise<void> {
    await this.obs.call('SetCurrentPreviewScene', { sceneName })
    let found = ''
    for (let tries = 0; found !== sceneName && tries < 100; tries++) {
      await sleep(20)
      found = (await this.obs.call('GetCurrentPreviewScene')).currentPreviewSceneName
    }
    if (found !== sceneName) throw new Error(`The preview is ${found}, not ${sceneName}.`)
  }

  /** Ids of the filters that are connected under this name; the same filter again has the same id. */
  idsOf(filter: string): string[] {
    return this.#connections(filter).map((number) => this.sidecar.connections[number].channel.hello.filterId)
  }

  /** Program scenes that a filter has told of, in order. */
  scenesOf(filter: string): (string | null)[] {
    return this.#messages(filter).flatMap((message) => (message.name === 'scene' ? [message.body.scene] : []))
  }

  /** All resets of a filter that the sidecar was told of. */
  resetsOf(filter: string): Reset[] {
    return this.#messages(filter).flatMap((message) =>
      message.name === 'reset' ? [{ reason: message.body.reason, from: message.body.from, to: message.body.to }] : [],
    )
  }

  /** A filter's epochs: those that the sidecar was told of, and those of the frames that it took. */
  epochsOf(filter: string): { told: number[]; inFrames: number[] } {
    const messages = this.#messages(filter)
    const told = messages.flatMap((message) => (message.name === 'reset' ? [message.body.epoch] : []))
    return { told, inFrames: [...new Set(this.#frames(filter).map(({ epoch }) => epoch))] }
  }

  framesOf(filter: string): number {
    return this.#frames(filter).length
  }

  /** The filter's own figures, told after this call. */
  async statsOf(filter: string): Promise<{ shown: number; covered: number }> {
    const heard = (): { shown: number; covered: number }[] =>
      this.#messages(filter).flatMap((message) => (message.name === 'stats' ? [message.body] : []))
    const before = heard().length
    // The first may have been gathered before this call.
    await until(() => heard().length >= before + 2, `the filter ${filter} says no figures`)
    return heard().at(-1)!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.obs[Symbol.asyncDispose]()
    await this.sidecar.close()
  }

  #connections(filter: string): number[] {
    const names = new Map<number, string>()
    for (const { name, body, connection } of this.sidecar.messages)
      if (name === 'hello' || name === 'renamed') names.set(connection, body.filter)
    return [...names].filter(([, name]) => name === filter).map(([number]) => number)
  }

  #frames(filter: string): FakeSidecar['frames'] {
    const numbers = this.#connections(filter)
    return this.sidecar.frames.filter(({ connection }) => numbers.includes(connection))
  }

  #messages(filter: string): FakeSidecar['messages'] {
    const numbers = this.#connections(filter)
    return this.sidecar.messages.filter(({ connection }) => numbers.includes(connection))
  }
}

/** Waits for something that must come true within 10 s. */
export async function until(holds: () => boolean, otherwise: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`After 10 s: ${otherwise}.`)
    await sleep(20)
  }
}
