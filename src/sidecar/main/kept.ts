import { Type, type Static } from 'typebox'
import { Check, Errors } from 'typebox/schema'
import { AudioDelay, Binding, Preset, RegionTemplate } from '../../api/index.ts'
import { FilterSettings } from '../../settings/index.ts'

/** How much each section holds at most: all of it is told to every page. */
export const MOST_KEPT = { presets: 100, bindings: 200, regionTemplates: 100, audioDelays: 64 } as const

/** Sections of the settings file beside the engine's. */
export const KEPT = {
  presets: Type.Array(Preset, { maxItems: MOST_KEPT.presets }),
  bindings: Type.Array(Binding, { maxItems: MOST_KEPT.bindings }),
  regionTemplates: Type.Array(RegionTemplate, { maxItems: MOST_KEPT.regionTemplates }),
  audioDelays: Type.Array(AudioDelay, { maxItems: MOST_KEPT.audioDelays }),
} as const
export type Section = keyof typeof KEPT
export type Kept = { readonly [S in Section]: Static<(typeof KEPT)[S]> }

export const SECTIONS = Object.keys(KEPT) as readonly Section[]

/**
 * The sections as this version reads them: a preset of a newer one may hold settings that are not known here; they stay
 * in the file and are not looked at.
 *
 * @throws {Error} that names the section and what is wrong with it
 */
export function readKept(contents: Readonly<Record<string, unknown>>): Kept {
  const kept = Object.fromEntries(SECTIONS.map((section) => [section, read(section, contents[section] ?? [])]))
  return kept as unknown as Kept
}

function read(section: Section, found: unknown): unknown {
  const known = section === 'presets' && Array.isArray(found) ? found.map(withKnownSettings) : found
  if (Check(KEPT[section], known)) return known
  const [, [fault]] = Errors(KEPT[section], known)
  throw new Error(`Its key ${section}${fault.instancePath} ${fault.message}.`)
}

function withKnownSettings(preset: unknown): unknown {
  const { settings } = (preset ?? {}) as { settings?: unknown }
  if (typeof settings !== 'object' || settings === null) return preset
  const known = Object.entries(settings).filter(([key]) => Object.hasOwn(FilterSettings.properties, key))
  return { ...(preset as object), settings: Object.fromEntries(known) }
}
