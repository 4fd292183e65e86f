import { EventEmitter } from 'node:events'
import type { AudioDelay, Binding, Preset, RegionTemplate } from '../../api/index.ts'
import { MatteboxError } from '../../errors/index.ts'
import { MOST_KEPT, type Kept, type Section } from './kept.ts'
import type { SettingsFile } from './settings-file.ts'

/**
 * What the settings file keeps beside the engine's settings: presets, the scenes that they are bound to, templates of
 * regions, and delays that were added to audio. Whatever is put is on the disk when it resolves, or nothing has changed.
 */
export class Keepsakes extends EventEmitter<{ change: [] }> {
  readonly #file: SettingsFile

  constructor(file: SettingsFile) {
    super()
    this.#file = file
  }

  get all(): Kept {
    return this.#file.kept
  }

  /** In place of one of this name. @throws {MatteboxError} KEPT_FULL, SETTINGS_FILE */
  putPreset(preset: Preset): Promise<void> {
    return this.#put('presets', preset, ({ name }) => name === preset.name)
  }

  /** Its bindings go with it. @throws {MatteboxError} NOT_KEPT, SETTINGS_FILE */
  async removePreset(name: string): Promise<void> {
    const bound = (binding: Binding): boolean => binding.preset === name
    await this.#remove('presets', (preset) => preset.name === name, `preset ${name}`)
    if (this.all.bindings.some(bound)) await this.#remove('bindings', bound, `binding of ${name}`)
  }

  /** In place of one of the same scene and filter. @throws {MatteboxError} NOT_KEPT, KEPT_FULL, SETTINGS_FILE */
  async putBinding(binding: Binding): Promise<void> {
    this.preset(binding.preset)
    await this.#put('bindings', binding, same(binding))
  }

  /** @throws {MatteboxError} NOT_KEPT, SETTINGS_FILE */
  removeBinding(binding: Pick<Binding, 'scene' | 'filterId'>): Promise<void> {
    return this.#remove('bindings', same(binding), `binding of ${binding.filterId} to the scene ${binding.scene}`)
  }

  /** In place of one of this name. @throws {MatteboxError} KEPT_FULL, SETTINGS_FILE */
  putRegionTemplate(template: RegionTemplate): Promise<void> {
    return this.#put('regionTemplates', template, ({ name }) => name === template.name)
  }

  /** @throws {MatteboxError} NOT_KEPT, SETTINGS_FILE */
  removeRegionTemplate(name: string): Promise<void> {
    return this.#remove('regionTemplates', (template) => template.name === name, `template of regions ${name}`)
  }

  /** In place of one of the same input. @throws {MatteboxError} KEPT_FULL, SETTINGS_FILE */
  putAudioDelay(delay: AudioDelay): Promise<void> {
    return this.#put('audioDelays', delay, ({ input }) => input === delay.input)
  }

  /** @throws {MatteboxError} NOT_KEPT, SETTINGS_FILE */
  removeAudioDelay(input: string): Promise<void> {
    return this.#remove('audioDelays', (delay) => delay.input === input, `delay of the audio of ${input}`)
  }

  /** @throws {MatteboxError} NOT_KEPT */
  preset(name: string): Preset {
    const preset = this.all.presets.find((one) => one.name === name)
    if (preset) return preset
    const known = this.all.presets.map((one) => one.name).join(', ')
    throw notKept(`preset ${name}`, known === '' ? 'None is kept: save one first.' : `Choose one of: ${known}.`)
  }

  /** The delay that was added to an input. @throws {MatteboxError} NOT_KEPT */
  audioDelay(input: string): AudioDelay {
    const delay = this.all.audioDelays.find((one) => one.input === input)
    if (delay) return delay
    throw notKept(`delay of the audio of ${input}`, `Look at what is kept: GET ${ADDRESSES.audioDelays}.`)
  }

  async #put<S extends Section>(section: S, item: Kept[S][number], isSame: (item: Kept[S][number]) => boolean) {
    await this.#file.changeKept(section, (before) => {
      const place = before.findIndex(isSame)
      if (place >= 0) return before.with(place, item)
      const most = MOST_KEPT[section]
      if (before.length >= most) {
        const message = `${most} of them are kept already, and that is the most.`
        throw new MatteboxError('KEPT_FULL', message, 'Remove one that is not needed any more.')
      }
      return [...before, item]
    })
    this.emit('change')
  }

  async #remove<S extends Section>(section: S, isIt: (item: Kept[S][number]) => boolean, what: string) {
    if (!(this.all[section] as Kept[S][number][]).some(isIt)) {
      throw notKept(what, `Look at what is kept: GET ${ADDRESSES[section]}.`)
    }
    await this.#file.changeKept(section, (before) => before.filter((item) => !isIt(item)))
    this.emit('change')
  }
}

const ADDRESSES: Readonly<Record<Section, string>> = {
  presets: '/api/presets',
  bindings: '/api/bindings',
  regionTemplates: '/api/region-templates',
  audioDelays: '/api/obs/audio-delay',
}

function same({ scene, filterId }: Pick<Binding, 'scene' | 'filterId'>) {
  return (other: Binding): boolean => other.scene === scene && other.filterId === filterId
}

function notKept(what: string, mend: string): MatteboxError {
  return new MatteboxError('NOT_KEPT', `There is no ${what}.`, mend)
}
