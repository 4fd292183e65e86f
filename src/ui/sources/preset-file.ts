import type { Preset } from '../../api/index.ts'
import { CallError } from '../call.ts'
import { words } from '../locale/index.ts'

/** A preset as a file, to be kept or given away. The sidecar checks its settings when it is put. */

export function presetFile({ name, settings }: Preset): string {
  return `${JSON.stringify({ mattebox: 'preset', name, settings }, null, 2)}\n`
}

/** @throws {CallError} PRESET_FILE: it is no such file */
export function readPresetFile(text: string): Preset {
  const found = parsed(text)
  if (isRecord(found) && found['mattebox'] === 'preset') {
    const { name, settings } = found
    if (typeof name === 'string' && isRecord(settings)) return { name, settings }
  }
  throw new CallError({ code: 'PRESET_FILE', ...words.sources.presets.noPreset })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
