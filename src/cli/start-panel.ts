import qrcode from 'qrcode'
import { MatteboxError, type Complaint } from '../errors/index.ts'
import { ModelGetter } from '../models/model-getter.ts'
import { ModelStore } from '../models/model-store.ts'
import { ObsConnection } from '../obs/index.ts'
import { LIMITS } from '../sidecar/inference/channel/wire.ts'
import { Keepsakes } from '../sidecar/main/keepsakes.ts'
import type { PanelPlace } from '../sidecar/main/instance.ts'
import type { Log } from '../sidecar/main/log.ts'
import type { SettingsFile } from '../sidecar/main/settings-file.ts'
import type { Sidecar } from '../sidecar/main/sidecar.ts'
import { isLoopback } from '../sidecar/panel/hosts.ts'
import { PanelSecret } from '../sidecar/panel/panel-secret.ts'
import { PanelServer } from '../sidecar/panel/panel-server.ts'
import { PanelStates } from '../sidecar/panel/panel-state.ts'
import { routes } from '../sidecar/panel/routes/index.ts'
import { invocation, localizeCommands } from './invocation.ts'

export interface StartPanelOptions {
  readonly sidecar: Sidecar
  readonly settings: SettingsFile
  readonly log: Log
}

const EXPOSED =
  'Whoever is on that network may knock. Pictures and the cookie travel unencrypted, and the camera works on this computer only.'

/** The panel of the command `start`: all that it shows and changes, and its server. */
export class StartPanel {
  #code = ''

  private constructor(
    private readonly server: PanelServer,
    private readonly stop: () => Promise<unknown>,
    /** Why others are not served; null where it is as it should be. */
    readonly error: Complaint | null,
  ) {}

  /** @throws {MatteboxError} PANEL_PORT, STATE_FOLDER: there is no panel, and the filters are served all the same */
  static async open({ sidecar, settings, log }: StartPanelOptions): Promise<StartPanel> {
    const secret = await PanelSecret.open()
    const obs = new ObsConnection({ log: (line) => log.info(line), wire: LIMITS.wireVersion })
    const models = new ModelStore()
    const modelGetter = new ModelGetter(models)
    const keepsakes = new Keepsakes(settings)
    const parts = { sidecar, obs, models, modelGetter, keepsakes, invocation: invocation(), localize: localizeCommands }
    const { port, listen } = sidecar.state.settings
    const serve = async (address: string): Promise<{ server: PanelServer; states: PanelStates }> => {
      const states = new PanelStates({ ...parts, isExposed: !isLoopback(address) })
      const rows = routes({ ...parts, isExposed: !isLoopback(address), states })
      try {
        const options = {
          sidecar,
          states,
          routes: rows,
          port,
          listen: address,
          secret,
          localize: localizeCommands,
          log,
        }
        return { server: await PanelServer.open(options), states }
      } catch (error) {
        states.close()
        throw error
      }
    }
    let refused: Complaint | null = null
    const { server, states } = await serve(listen).catch((error: unknown) => {
      if (!(error instanceof MatteboxError) || isLoopback(listen)) throw error
      // Whoever sits here is served all the same.
      refused = error.toJSON()
      return serve('127.0.0.1')
    })
    obs.start()
    await models.start()
    await modelGetter.look()
    const stop = async (): Promise<void> => {
      models.stop()
      await modelGetter.stop()
      await server.close()
      states.close()
      await obs.stop()
    }
    return new StartPanel(server, stop, refused)
  }

  /** Without a code, for browsers that are known already. */
  get address(): string {
    return this.server.address
  }

  /** For a later `start`, which makes itself a code. */
  get place(): PanelPlace {
    return { address: this.server.address, id: this.server.id }
  }

  /** With a code of its own, which lets one browser in. */
  freshAddress(): string {
    return withCode(this.server.address, this.server.newCode())
  }

  /** What a terminal shows of it: the address with a code while that is good, and without one after it was used. */
  lines(showsCode: boolean): string[] {
    if (this.#code === '' && showsCode) this.#code = this.server.newCode()
    const { address, outsideAddress } = this.server
    const shown = this.server.isAlive(this.#code) ? withCode(address, this.#code) : address
    return [
      `Panel: ${shown}`,
      ...(outsideAddress === undefined ? [] : [`  also ${outsideAddress} ${EXPOSED}`]),
      ...(this.error ? [`  ${this.error.message} ${localizeCommands(this.error.mend)}`] : []),
    ]
  }

  /** A picture of the address for another device, with a code of its own; undefined where only this machine is served. */
  async qrCode(): Promise<string | undefined> {
    const { outsideAddress } = this.server
    if (outsideAddress === undefined) return undefined
    return qrcode.toString(withCode(outsideAddress, this.server.newCode()), { type: 'terminal', small: true })
  }

  /** Pages are told; resolves when nothing of it is left. */
  async close(): Promise<void> {
    await this.stop()
  }
}

function withCode(address: string, code: string): string {
  return `${address}?code=${code}`
}
