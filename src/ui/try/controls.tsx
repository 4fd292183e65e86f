import { filter } from 'virtual:settings'
import { words } from '../locale/index.ts'
import { Busy, Card, RatioField, SettingField, SwitchField, WordsField } from '../parts/index.ts'
import type { Look } from '../matte/look.ts'
import type { TrySettings } from './trial.ts'

/** How the picture is drawn, as it is chosen: the divider keeps its place while it is not shown. */
export interface ChosenLook extends Omit<Look, 'colour' | 'divider'> {
  /** `#rrggbb`. */
  readonly colour: string
  readonly compares: boolean
  readonly divider: number
}

interface LookCardProps {
  readonly look: ChosenLook
  readonly onChange: (look: ChosenLook) => void
  readonly onBackdrop: (file: File) => void
}

const BACKGROUNDS = ['none', 'colour', 'picture', 'blur'] as const

export function LookCard({ look, onChange, onBackdrop }: LookCardProps) {
  const said = words.try.look
  const set = (change: Partial<ChosenLook>): void => onChange({ ...look, ...change })
  const slider = (name: 'level_low' | 'level_high' | 'feather' | 'blur_radius', key: keyof ChosenLook) => {
    const take = (value: unknown): void => set({ [key]: value })
    return <SettingField name={name} field={filter[name]} value={look[key]} onInput={take} onChange={take} />
  }
  return (
    <Card title={said.title}>
      <SettingField
        name="view"
        field={filter.view}
        value={look.view}
        onChange={(view) => set({ view: view as Look['view'] })}
      />
      {look.view === 'result' && (
        <WordsField
          title={said.background}
          description={said.backgroundAbout}
          value={look.background}
          options={BACKGROUNDS.map((word) => ({ word, label: said.backgrounds[word] }))}
          onChange={(background) => set({ background })}
        >
          {look.background === 'colour' && (
            <input
              type="color"
              class="try-colour"
              aria-label={said.colour}
              value={look.colour}
              onInput={({ currentTarget }) => set({ colour: currentTarget.value })}
            />
          )}
          {look.background === 'picture' && (
            <input
              type="file"
              class="try-backdrop"
              accept="image/*"
              aria-label={said.backdrop}
              onChange={({ currentTarget }) => {
                const file = currentTarget.files?.[0]
                if (file) onBackdrop(file)
              }}
            />
          )}
        </WordsField>
      )}
      {look.view === 'result' && look.background === 'blur' && slider('blur_radius', 'blurRadius')}
      <SwitchField
        title={said.compare}
        description={said.compareAbout}
        value={look.compares}
        onChange={(compares) => set({ compares })}
      />
      <details>
        <summary>{said.edges}</summary>
        {slider('level_low', 'low')}
        {slider('level_high', 'high')}
        {slider('feather', 'feather')}
      </details>
    </Card>
  )
}

interface NetworkCardProps {
  readonly settings: TrySettings
  readonly size: { readonly width: number; readonly height: number } | null
  readonly isRunning: boolean
  readonly onChange: (settings: TrySettings) => void
  readonly onReset: () => void
}

export function NetworkCard({ settings, size, isRunning, onChange, onReset }: NetworkCardProps) {
  const set = (change: Partial<TrySettings>): void => onChange({ ...settings, ...change })
  return (
    <Card title={words.try.network.title}>
      <RatioField ratio={settings.ratio} size={size} onChange={(ratio) => set({ ratio })} />
      <SettingField
        name="refiner"
        field={filter.refiner}
        value={settings.refiner}
        onChange={(refiner) => set({ refiner: refiner as TrySettings['refiner'] })}
      />
      <SwitchField
        title={filter.decontaminate.title}
        description={filter.decontaminate.description}
        value={settings.decontaminate}
        onChange={(decontaminate) => set({ decontaminate })}
      />
      <SwitchField
        title={filter.cut_detection.title}
        description={filter.cut_detection.description}
        value={settings.cutDetection}
        onChange={(cutDetection) => set({ cutDetection })}
      />
      <Busy isBusy={false} kind="secondary outline" isDisabled={!isRunning} onClick={onReset}>
        {words.try.network.reset}
      </Busy>
    </Card>
  )
}
