import { EventEmitter } from 'node:events'
import type { EngineView, ModelView, ObsView, PanelState, ProcessView, SourceView } from '../../api/index.ts'
import type { SidecarState } from '../main/sidecar.ts'
import { advice, NOTHING_SEEN, observe } from './coach.ts'
import { audioAdvice, audioDelayViews } from './audio-advice.ts'
import type { PanelParts } from './panel-parts.ts'
import { complaintView, sourceView } from './source-view.ts'

/** Everything that the panel shows, in one object, and that it changed. */
export class PanelStates extends EventEmitter<{ change: [] }> {
  readonly #parts: PanelParts
  readonly #changed = (): void => this.#take()
  #coach = NOTHING_SEEN
  #state: PanelState

  constructor(parts: PanelParts) {
    super()
    this.#parts = parts
    this.#state = this.#draw()
    parts.sidecar.on('state', this.#changed)
    parts.obs.on('change', this.#changed)
    parts.keepsakes.on('change', this.#changed)
    parts.models.on('change', this.#changed)
    parts.modelGetter.on('change', this.#changed)
  }

  get state(): PanelState {
    return this.#state
  }

  /** Hears of no more changes. */
  close(): void {
    const { sidecar, obs, keepsakes, models, modelGetter } = this.#parts
    sidecar.off('state', this.#changed)
    obs.off('change', this.#changed)
    keepsakes.off('change', this.#changed)
    models.off('change', this.#changed)
    modelGetter.off('change', this.#changed)
  }

  #take(): void {
    this.#state = this.#draw()
    this.emit('change')
  }

  #draw(): PanelState {
    const { sidecar, obs, keepsakes, isExposed, invocation, localize } = this.#parts
    const state = sidecar.state
    const kept = keepsakes.all
    const { view } = obs
    const sources = state.sources.map((source) => sourceView(source, [], localize))
    const facts = { sources, obs: view }
    this.#coach = observe(this.#coach, facts, performance.now())
    return {
      version: sidecar.version,
      startedAt: sidecar.startedAt.toISOString(),
      invocation,
      socket: state.socket,
      isExposed,
      engine: this.#engine(state),
      sources: sources.map((source) => ({
        ...source,
        advice: [...audioAdvice(source, kept.audioDelays), ...advice(this.#coach, source, facts)],
      })),
      obs: { ...view, hasPlugin: hasPlugin(view, sources), error: complaintView(view.error, localize) },
      presets: [...kept.presets],
      bindings: [...kept.bindings],
      regionTemplates: [...kept.regionTemplates],
      audioDelays: audioDelayViews(sources, kept.audioDelays),
      processes: state.processes.map(processView),
      refused: complaintView(state.refused, localize),
      error: complaintView(state.error, localize),
    }
  }

  #engine({ engine, modelPath, avoid, settings, restarts }: SidecarState): EngineView {
    const { models, modelGetter, localize } = this.#parts
    const { fetching, fetchable } = modelGetter
    const isReady = engine.state === 'ready'
    const told = ({ provider, reason }: SidecarState['avoid'][number]) => ({
      provider,
      reason: complaintView(reason, localize)!,
    })
    return {
      state: engine.state,
      provider: isReady ? engine.provider : null,
      device: isReady ? engine.device : null,
      model: isReady ? engine.model : null,
      passedOver: isReady ? engine.passedOver.map(told) : [],
      failed: avoid.map(told),
      error: engine.state === 'none' ? complaintView(engine.error, localize) : null,
      settings,
      models: models.models.map(({ name, path, bytes, licence, variant, isOwn }): ModelView => ({
        name,
        bytes,
        licence,
        variant,
        isOwn,
        inUse: path === modelPath,
      })),
      modelsFolder: models.folder,
      fetchable: fetchable.map(({ name, file, bytes, sha256, licence, address }) => {
        return { name, file, bytes, sha256, licence, address }
      }),
      fetching: fetching ? { ...fetching, error: complaintView(fetching.error, localize) } : null,
      restarts,
    }
  }
}

/** A filter that is connected runs in some OBS, wherever its plugin lies. */
function hasPlugin({ state, hasPlugin }: ObsView, sources: readonly SourceView[]): boolean | null {
  return state !== 'connected' && sources.some(({ connected }) => connected) ? true : hasPlugin
}

function processView({
  name,
  pid,
  role,
  rssBytes,
  cpuPercent,
  uptimeMs,
}: SidecarState['processes'][number]): ProcessView {
  return { name, pid: pid ?? null, role, rssBytes: rssBytes ?? null, cpuPercent: cpuPercent ?? null, uptimeMs }
}
