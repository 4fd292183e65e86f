import { spawn, spawnSync } from 'node:child_process'
import { existsSync, fstatSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { stateFolder } from '../sidecar/main/folders.ts'
import { replaceFile } from '../sidecar/main/replace-file.ts'

const OPENERS: Readonly<Record<string, readonly string[]>> = {
  linux: ['xdg-open'],
  darwin: ['open'],
  win32: ['explorer'],
}
/** A browser that was not there by then will not come. */
const READ_WITHIN_MS = 60_000

/** Whether somebody sits before a screen of this machine, and reads what is printed. */
export function hasBrowser(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): boolean {
  if (!process.stdout.isTTY || env['SSH_CONNECTION'] || env['SSH_TTY']) return false
  return platform !== 'linux' || Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY'])
}

/** Whether what is printed goes to systemd's journal (systemd.exec(5), JOURNAL_STREAM), where no code belongs. */
export function isJournal(env: NodeJS.ProcessEnv = process.env): boolean {
  return [1, 2].some((descriptor) => {
    try {
      const { dev, ino } = fstatSync(descriptor)
      return env['JOURNAL_STREAM'] === `${dev}:${ino}`
    } catch {
      return false
    }
  })
}

/**
 * Opens an address in the user's browser. Where everybody can read the words of a command, an address with a code is
 * none of them: the browser gets a page of this user's own that leads there.
 *
 * @returns removes that page
 */
export async function openBrowser(address: string): Promise<() => Promise<void>> {
  const [opener, ...words] = OPENERS[process.platform] ?? OPENERS['linux']
  const path = join(folderForBrowser(), 'open-panel.html')
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${address}"><title>mattebox</title>\n`
  await replaceFile(path, page)
  const child = spawn(opener, [...words, path], { detached: true, stdio: 'ignore' })
  // Whoever has no browser has the address.
  child.on('error', () => undefined).unref()
  const remove = (): Promise<void> => rm(path, { force: true }).catch(() => undefined)
  const late = setTimeout(() => void remove(), READ_WITHIN_MS).unref()
  return () => {
    clearTimeout(late)
    return remove()
  }
}

/** Where the browser can read: one that is a Snap (Ubuntu's Firefox) sees no folder whose name begins with a dot. */
function folderForBrowser(): string {
  if (process.platform !== 'linux') return stateFolder()
  const asked = ['get', 'default-web-browser']
  const { stdout, error } = spawnSync('xdg-settings', asked, { encoding: 'utf8', timeout: 2000 })
  const snap = error ? undefined : /^([a-z0-9-]+)_[\w.-]+\.desktop/.exec(stdout)?.[1]
  const common = snap && join(homedir(), 'snap', snap, 'common')
  // The file goes to a folder of ours: it is made private, and theirs is none of ours to change.
  return common && existsSync(common) ? join(common, 'mattebox') : stateFolder()
}
