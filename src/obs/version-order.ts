/**
 * Orders two versions: negative where the first is older, 0 where they are the same. Numbers between dots are
 * compared as numbers, a version with a suffix (`0.2.0-beta`) comes before the same one without (semver section 11).
 */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [parts(one), parts(other)]
  for (let n = 0; n < Math.max(left.numbers.length, right.numbers.length); n++) {
    const difference = (left.numbers[n] ?? 0) - (right.numbers[n] ?? 0)
    if (difference !== 0) return difference
  }
  if (left.suffix === right.suffix) return 0
  if (left.suffix === '' || right.suffix === '') return left.suffix === '' ? 1 : -1
  return left.suffix.localeCompare(right.suffix, 'en', { numeric: true })
}

function parts(version: string): { numbers: number[]; suffix: string } {
  const [core, ...suffix] = version.split('+')[0].split('-')
  return { numbers: core.split('.').map((number) => Number.parseInt(number, 10) || 0), suffix: suffix.join('-') }
}
