import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/**
 * How the user can call mattebox from where he is: `mattebox` where it is on the PATH, `npx mattebox` inside the clone
 * or a project that depends on it, else node with the path of the program.
 */
export function invocation(
  cwd: string = process.cwd(),
  searchPath: string = process.env['PATH'] ?? '',
  root: string = packageRoot,
): string {
  const main = join(root, 'dist', 'cli', 'main.js')
  const isOurs = (path: string): boolean => existsSync(path) && realpathSync(path) === realpathSync(main)
  // npx puts node_modules/.bin folders on the PATH of its child only: what it finds there is not the user's PATH.
  const onPath = searchPath
    .split(delimiter)
    .filter((folder) => !folder.includes(join('node_modules', '.bin')) && !folder.includes('_npx'))
    .some((folder) => isOurs(join(folder, 'mattebox')))
  if (onPath) return 'mattebox'
  if (cwd === root) return 'npx mattebox'
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (isOurs(join(folder, 'node_modules', '.bin', 'mattebox'))) return 'npx mattebox'
    if (folder === root) return 'npx mattebox'
    if (dirname(folder) === folder) break
  }
  const short = relative(cwd, main)
  return `node ${short.startsWith('..') ? main : short}`
}

/** Puts the invocation that works here in place of `mattebox` in every command that stands in backticks. */
export function localizeCommands(text: string, how: string = invocation()): string {
  return text.replace(/`mattebox /g, `\`${how} `)
}
