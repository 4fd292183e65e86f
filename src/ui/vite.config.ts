import preact from '@preact/preset-vite'
import { defineConfig, type Plugin } from 'vite'
import { EngineSettings, FilterSettings } from '../settings/index.ts'

/** The one schema of settings as plain data: the library that it is written with stays out of the page. */
function settingsAsData(): Plugin {
  const name = 'virtual:settings'
  return {
    name,
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    load: (id) =>
      id === `\0${name}`
        ? `export const filter = ${JSON.stringify(FilterSettings.properties)}
           export const engine = ${JSON.stringify(EngineSettings.properties)}`
        : undefined,
  }
}

/** The panel, built into dist/ui, which the panel server serves. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [preact(), settingsAsData()],
  build: {
    // OBS up to 30 embeds Chromium 103 in its docks.
    target: 'chrome103',
    cssTarget: 'chrome103',
    outDir: '../../dist/ui',
    emptyOutDir: true,
    // The Content-Security-Policy knows no data: addresses beside pictures.
    assetsInlineLimit: 0,
  },
})
