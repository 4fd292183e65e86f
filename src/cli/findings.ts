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

function describeOne({ title, version, where, running, plugin, error }: ObsReport): string[] {
  const head = `${title} ${version ?? 'of unknown version'} (${where})${running ? ', running' : ''}`
  if (error) return [good(head), ...bad(error.message, error.mend)]
  return plugin ? [good(head), good(`the filter ${plugin.version ?? ''} (${plugin.folder})`)] : [good(head)]
}
