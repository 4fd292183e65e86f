/** Share of one core, in percent, between two readings. */
export function cpuPercent(before: { cpuMs: number; atMs: number }, after: { cpuMs: number; atMs: number }): number {
  const elapsedMs = after.atMs - before.atMs
  return elapsedMs > 0 ? Math.max(0, (100 * (after.cpuMs - before.cpuMs)) / elapsedMs) : 0
}
