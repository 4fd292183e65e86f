import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Lies in the plugin's folder, and comes and goes with it. */
export const DOCK_FILE = 'dock.html'

/** Where the panel answers anybody with nothing, and with `Cross-Origin-Resource-Policy: cross-origin`. */
const ALIVE_PATH = '/alive'

/**
 * The page that is given to OBS as a dock. It lies on the disk, so that there is always something to load: a dock whose
 * server is away when OBS starts stays blank for ever. It asks for the panel until that answers, then makes way for it.
 * Chromium 103 is what OBS up to 30 shows it with.
 *
 * @param port - of the panel
 * @param start - the command that starts mattebox, as the user calls it
 */
export function dockPage(port: number, start: string): string {
  const panel = `http://127.0.0.1:${port}`
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src ${panel}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>mattebox</title>
<style>
  body { margin: 0; padding: 1rem; background: #14171c; color: #e6e9ee; font: 15px/1.5 system-ui, sans-serif }
  h1 { margin: 0 0 .75rem; font-size: 1.25rem }
  p { margin: 0 0 .75rem }
  code { display: inline-block; padding: .15rem .5rem; border-radius: .25rem; background: #262b33; user-select: all;
    overflow-wrap: anywhere }
  a { color: #8ab4ff }
  .quiet { color: #a9b1bd }
  #state::before { content: ''; display: inline-block; width: .6rem; height: .6rem; margin-right: .5rem;
    border-radius: 50%; background: #e0a33e }
  #state.there::before { background: #4cc38a }
</style>
</head>
<body>
<main>
<h1>mattebox</h1>
<p id="state" role="status">mattebox is not running.</p>
<div id="how">
<p>Start it in a terminal on this computer:</p>
<p><code>${escaped(start)}</code></p>
<p>This dock opens the panel as soon as it is there.</p>
<p class="quiet">The first time, the panel asks who is there. The same command, run once more, prints an address that lets
this dock in.</p>
<p class="quiet">It is looked for at <a href="${panel}/">${panel}</a>. After a change of the port, run
<code>obs install</code> again.</p>
</div>
</main>
<script>
  const panel = '${panel}'
  const state = document.getElementById('state')

  async function isThere() {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), 2000)
    try {
      await fetch(panel + '${ALIVE_PATH}', { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal: late.signal })
      return true
    } catch {
      return false
    } finally {
      clearTimeout(timer)
    }
  }

  async function look() {
    if (!(await isThere())) return setTimeout(look, 1000)
    state.textContent = 'Opening the panel …'
    state.className = 'there'
    document.getElementById('how').hidden = true
    location.replace(panel + '/')
  }
  look()
</script>
</body>
</html>
`
}

/** The address to give to OBS for the dock; null where there is no page. */
export async function dockAddress(pluginFolder: string): Promise<string | null> {
  const path = join(pluginFolder, DOCK_FILE)
  const entry = await lstat(path).catch(() => null)
  return entry?.isFile() ? pathToFileURL(path).href : null
}

function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (letter) => names[letter])
}
