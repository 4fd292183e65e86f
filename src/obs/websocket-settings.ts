import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { configHomeOf } from '../settings/config-home.ts'
import { flatpakHome } from './plugin-folder.ts'

/** What an OBS on this machine says of its WebSocket server. */
export interface WebSocketSettings {
  readonly file: string
  readonly enabled: boolean
  readonly port: number
  /** Undefined: none is wanted, or none is kept. Never shown, never logged. */
  readonly password: string | undefined
}

/** OBS keeps settings there that cannot be read. */
export interface UnreadableSettings {
  readonly file: string
  readonly why: string
}

/** OBS's own, where its settings say nothing. */
export const DEFAULT_PORT = 4455

/**
 * The settings of the WebSocket server of every OBS that this user has run: the native one's, Flatpak's. obs-websocket
 * 5.5 (OBS 30.2) moved them from `global.ini` to a file of their own, and leaves the old ones where they were.
 */
export async function webSocketSettings(env: NodeJS.ProcessEnv): Promise<(WebSocketSettings | UnreadableSettings)[]> {
  const homes = [configHomeOf(env), join(flatpakHome(env), 'config')]
  const found = await Promise.all(homes.map((home) => settingsOf(join(home, 'obs-studio'))))
  return found.filter((settings) => settings !== null)
}

async function settingsOf(folder: string): Promise<WebSocketSettings | UnreadableSettings | null> {
  const json = join(folder, 'plugin_config', 'obs-websocket', 'config.json')
  return (await settingsIn(json, readJson)) ?? (await settingsIn(join(folder, 'global.ini'), readIni))
}

/** Null where there is no such file. */
async function settingsIn(
  file: string,
  read: (text: string) => Omit<WebSocketSettings, 'file'>,
): Promise<WebSocketSettings | UnreadableSettings | null> {
  try {
    return { file, ...read(await readFile(file, 'utf8')) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    // A parser's message may quote what it read.
    return { file, why: code ?? 'damaged' }
  }
}

function readJson(text: string): Omit<WebSocketSettings, 'file'> {
  const all: unknown = JSON.parse(withoutMark(text))
  if (typeof all !== 'object' || all === null) throw new Error('no object')
  const { server_enabled, server_port, auth_required, server_password } = all as Record<string, unknown>
  const password = typeof server_password === 'string' ? server_password : ''
  return {
    enabled: server_enabled === true,
    port: portOf(server_port ?? DEFAULT_PORT),
    password: auth_required === false || password === '' ? undefined : password,
  }
}

/** Without its section, a `global.ini` is that of an OBS whose server was never switched on. */
function readIni(text: string): Omit<WebSocketSettings, 'file'> {
  const keys = new Map<string, string>()
  let section = ''
  for (const line of withoutMark(text).split(/\r?\n/)) {
    const heading = /^\s*\[(.*)\]\s*$/.exec(line)
    if (heading) section = heading[1]
    const equals = line.indexOf('=')
    if (section === 'OBSWebSocket' && !heading && equals > 0)
      keys.set(line.slice(0, equals).trim(), unescaped(line.slice(equals + 1).trim()))
  }
  const password = keys.get('ServerPassword') ?? ''
  return {
    enabled: isTrue(keys.get('ServerEnabled') ?? 'false'),
    port: portOf(keys.get('ServerPort') ?? DEFAULT_PORT),
    password: !isTrue(keys.get('AuthRequired') ?? 'true') || password === '' ? undefined : password,
  }
}

function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '')
}

/** As libobs's config_get_bool takes it. */
function isTrue(word: string): boolean {
  return word.toLowerCase() === 'true' || (Number.parseInt(word, 10) || 0) !== 0
}

/** As libobs's config-file.c writes a value. */
function unescaped(value: string): string {
  return value.replace(/\\([nr\\])/g, (_, letter: string) => ({ n: '\n', r: '\r' })[letter] ?? '\\')
}

function portOf(value: unknown): number {
  const port = Number(value)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('no port')
  return port
}
