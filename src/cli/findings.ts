import type { ObsDiagnosis, ObsReport } from '../obs/index.ts'

/** A finding that is as it should be. */
export function good(text: string): string {
  return `  ✓ ${text}`
}

/** A finding that is not, and under it the mend. */
export function bad(text: string, mend: string): string[] {
  return [`  ✗ ${text}`, ...mend.split('\n').map((line) => `      ${line}`)]
}

/** OBS from outside, as `doctor` and `obs status` show it: each OBS, the filter in it, the socket. */
export function describeObs({ found, socket, error }: ObsDiagnosis): string[] {
  const lines = error ? bad(error.message, error.mend) : found.flatMap(describeOne)
  if (socket.error) lines.push(...bad(socket.error.message, socket.error.mend))
  else lines.push(good(`the sidecar listens at ${socket.path}`))
  return lines
}

function describeOne({ title, version, where, running, plugin, dock, error }: ObsReport): string[] {
  const head = good(`${title} ${version ?? 'of unknown version'} (${where})${running ? ', running' : ''}`)
  if (error) return [head, ...bad(error.message, error.mend)]
  if (!plugin) return [head]
  const page =
    dock === null
      ? bad('The panel’s page for a dock is not there.', 'Run `mattebox obs install`.')
      : [good(`the panel’s page for a dock. ${howToDock(dock)}`)]
  return [head, good(`the filter ${plugin.version ?? ''} (${plugin.folder})`), ...page]
}

/** How the panel becomes a dock of OBS. */
export function howToDock(address: string): string {
  return `In OBS: Docks → Custom Browser Docks, name mattebox, URL ${address}`
}
