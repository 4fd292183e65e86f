import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a test wants of a fresh OBS. */
export interface ObsHomeOptions {
  /** Studio mode's "Duplicate Scene"; OBS has it on. */
  readonly duplicateScene?: boolean
  /** A built plugin (`bin/`, `data/`) to install for this user. */
  readonly plugin?: string
  readonly port: number
}

/** Name of the profile and of the first scene collection. */
export const COLLECTION = 'T'
/** Scenes of that collection, all empty; the first is the program. */
export const SCENES = ['Scene', 'A', 'B'] as const
/** Clip of the transition "Stinger", in the home; without it that transition is a cut. */
export const STINGER_CLIP = 'stinger.mp4'

/**
 * A private home folder for OBS: nothing of the user's is read or written, no wizard comes up, the WebSocket is on.
 * OBS 29 reads all from global.ini; 31 and later read the window's part from user.ini and the WebSocket's from JSON.
 * Both layouts are written: each version ignores the other's.
 */
export class ObsHome {
  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly password: string,
  ) {}

  static async create(options: ObsHomeOptions): Promise<ObsHome> {
    const folder = await mkdtemp(join(tmpdir(), 'mattebox-obs-'))
    const home = new ObsHome(folder, options.port, randomBytes(12).toString('hex'))
    await home.writeSettings(options)
    if (options.plugin !== undefined)
      await cp(options.plugin, home.path('.config/obs-studio/plugins/mattebox'), { recursive: true })
    return home
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  get environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: this.folder,
      XDG_CONFIG_HOME: this.path('.config'),
      XDG_RUNTIME_DIR: this.path('run'),
      LIBGL_ALWAYS_SOFTWARE: '1',
      QT_QPA_PLATFORM: 'xcb',
      LANG: 'C.UTF-8',
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // OBS's last threads may still be writing when it is killed.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }

  private async writeSettings(options: ObsHomeOptions): Promise<void> {
    const config = this.path('.config/obs-studio')
    const profile = join(config, 'basic/profiles', COLLECTION)
    const webSocket = join(config, 'plugin_config/obs-websocket')
    for (const folder of [profile, webSocket]) await mkdir(folder, { recursive: true })
    await mkdir(this.path('run'), { mode: 0o700 })

    await this.writeCollection()

    const general = { FirstRun: true, ConfirmOnExit: false, EnableAutoUpdates: false, Pre31Migrated: true }
    const window = {
      PreviewEnabled: false,
      SysTrayEnabled: false,
      SceneDuplicationMode: options.duplicateScene ?? true,
    }
    const basic = {
      Profile: COLLECTION,
      ProfileDir: COLLECTION,
      SceneCollection: COLLECTION,
      SceneCollectionFile: COLLECTION,
    }
    const server = {
      FirstLoad: false,
      ServerEnabled: true,
      ServerPort: this.port,
      AlertsEnabled: false,
      AuthRequired: true,
      ServerPassword: this.password,
    }
    const all = ini({ General: general, Basic: basic, BasicWindow: window, OBSWebSocket: server })
    await writeFile(join(config, 'global.ini'), all)
    await writeFile(join(config, 'user.ini'), all)
    await writeFile(
      join(webSocket, 'config.json'),
      JSON.stringify({
        first_load: false,
        server_enabled: true,
        server_port: this.port,
        alerts_enabled: false,
        auth_required: true,
        server_password: this.password,
      }),
    )
    // Small and slow enough for software rendering on two cores.
    const video = { BaseCX: 640, BaseCY: 360, OutputCX: 640, OutputCY: 360, FPSType: 0, FPSCommon: 30 }
    await writeFile(join(profile, 'basic.ini'), ini({ General: { Name: COLLECTION }, Video: video }))
  }

  /**
   * Transitions other than Cut and Fade cannot be made over the WebSocket, and a scene that is made over it can deadlock
   * OBS 32 shortly after its start: the file of the collection brings them.
   */
  private async writeCollection(): Promise<void> {
    const scenes = this.path('.config/obs-studio/basic/scenes')
    await mkdir(scenes, { recursive: true })
    const stinger = {
      id: 'obs_stinger_transition',
      name: 'Stinger',
      settings: { path: this.path(STINGER_CLIP), tp_type: 0, transition_point: 200 }, // ms after its start
    }
    const collection = {
      name: COLLECTION,
      current_scene: SCENES[0],
      current_program_scene: SCENES[0],
      current_transition: 'Cut',
      transition_duration: 300,
      transitions: [stinger],
      scene_order: SCENES.map((name) => ({ name })),
      sources: SCENES.map((name) => ({ id: 'scene', name, settings: {} })),
    }
    await writeFile(join(scenes, `${COLLECTION}.json`), JSON.stringify(collection))
  }
}

function ini(sections: Record<string, Record<string, string | number | boolean>>): string {
  return Object.entries(sections)
    .map(([name, keys]) =>
      [`[${name}]`, ...Object.entries(keys).map(([key, value]) => `${key}=${value}`), ''].join('\n'),
    )
    .join('\n')
}
