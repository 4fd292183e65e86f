/** Builds what `npm start` runs, where it is missing or older than its source, as it is after a `git pull`. */
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What the build writes last. */
const builtMs = statSync('dist/ui/index.html', { throwIfNoEntry: false })?.mtimeMs ?? -Infinity
// Folders are listed too: theirs changes where a file goes.
const isStale = readdirSync('src', { recursive: true }).some((name) => statSync(join('src', name)).mtimeMs > builtMs)
if (isStale) process.exitCode = spawnSync('npm run build', { stdio: 'inherit', shell: true }).status ?? 1
