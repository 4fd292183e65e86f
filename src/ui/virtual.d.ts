/** The settings' schema as plain data, made by vite.config.ts from src/settings. */
declare module 'virtual:settings' {
  import type { EngineSettings, FilterSettings } from '../settings/index.ts'

  /** One setting, as JSON Schema with what is said of it. */
  interface Field {
    readonly title: string
    readonly description: string
    readonly default: unknown
    readonly type?: 'boolean' | 'number' | 'integer' | 'string' | 'array'
    readonly minimum?: number
    readonly maximum?: number
    /** Of a setting that is one of a few words. */
    readonly words?: readonly string[]
  }
  export const filter: Readonly<Record<keyof FilterSettings, Field>>
  export const engine: Readonly<Record<keyof EngineSettings, Field>>
}
