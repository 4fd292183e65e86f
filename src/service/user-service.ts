import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MatteboxError } from '../errors/index.ts'
import { configHomeOf } from '../settings/config-home.ts'
import { UNIT_MARK } from './unit.ts'

const UNIT = 'mattebox.service'
/** Stopping waits for the sidecar to leave: systemd itself kills it after 90 s. */
const TIMEOUT_MS = 100_000

export interface ServiceReport {
  readonly unit: string
  readonly installed: boolean
  /** Null where no user manager can be asked. */
  readonly enabled: boolean | null
  /** As systemd says: active, inactive, failed, activating; null as above. */
  readonly active: string | null
  /** Why that is not known. */
  readonly unknown?: string
}

/** Where the user's manager looks for units of the user's own (systemd.unit(5), "User Unit Search Path"). */
export function unitPath(env: NodeJS.ProcessEnv): string {
  return join(configHomeOf(env), 'systemd', 'user', UNIT)
}

/**
 * Writes the unit, and where the user's manager answers has it enabled and started; one that runs an older unit is
 * restarted.
 *
 * @throws {MatteboxError} SERVICE_FOREIGN, SERVICE_FAILED, OUTPUT_UNWRITABLE
 */
export async function installService(text: string, env: NodeJS.ProcessEnv): Promise<ServiceReport> {
  const unit = unitPath(env)
  const before = await ownUnit(unit)
  const part = `${unit}.${process.pid}.part`
  try {
    await mkdir(dirname(unit), { recursive: true })
    await writeFile(part, text)
    await chmod(part, 0o644)
    await rename(part, unit)
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined)
    throw unwritable(unit, error as NodeJS.ErrnoException)
  }
  if ((await askManager(['daemon-reload'], env)).works) {
    await order(['enable', '--now', UNIT], env)
    if (before !== null && before !== text) await order(['restart', UNIT], env)
  }
  return serviceStatus(env)
}

/**
 * Stops and disables the service and removes the unit; empty folders of units go with it.
 *
 * @returns whether there was one
 * @throws {MatteboxError} SERVICE_FOREIGN, SERVICE_FAILED, OUTPUT_UNWRITABLE
 */
export async function removeService(env: NodeJS.ProcessEnv): Promise<boolean> {
  const unit = unitPath(env)
  if ((await ownUnit(unit)) === null) return false
  const manager = await askManager(['daemon-reload'], env)
  if (manager.works) await order(['disable', '--now', UNIT], env)
  // `disable` removes this link; without a manager nobody did.
  const wants = join(dirname(unit), 'default.target.wants')
  try {
    await rm(join(wants, UNIT), { force: true })
    await rm(unit)
  } catch (error) {
    throw unwritable(unit, error as NodeJS.ErrnoException)
  }
  for (const folder of [wants, dirname(unit), dirname(dirname(unit))]) await rmdir(folder).catch(() => undefined)
  if (manager.works) await askManager(['daemon-reload'], env)
  return true
}

export async function serviceStatus(env: NodeJS.ProcessEnv): Promise<ServiceReport> {
  const unit = unitPath(env)
  const installed = (await readFile(unit, 'utf8').catch(() => '')).startsWith(UNIT_MARK)
  const manager = await askManager(['show-environment'], env)
  if (!manager.works) return { unit, installed, enabled: null, active: null, unknown: manager.why }
  const [enabled, active] = [await askManager(['is-enabled', UNIT], env), await askManager(['is-active', UNIT], env)]
  return { unit, installed, enabled: enabled.said === 'enabled', active: active.said || 'unknown' }
}

/** The unit that is there; null where there is none. */
async function ownUnit(unit: string): Promise<string | null> {
  let text
  try {
    text = await readFile(unit, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw unwritable(unit, error as NodeJS.ErrnoException)
  }
  if (text.startsWith(UNIT_MARK)) return text
  const found = `${unit} was not written by mattebox.`
  throw new MatteboxError('SERVICE_FOREIGN', found, 'Rename it, or delete it if nobody needs it.')
}

interface ManagerAnswer {
  readonly works: boolean
  readonly said: string
  readonly why: string
}

/** Never throws: what does not work says why, in systemctl's last line. */
function askManager(words: readonly string[], env: NodeJS.ProcessEnv): Promise<ManagerAnswer> {
  return new Promise((resolve) => {
    const options = { env: { ...env, LC_ALL: 'C' }, timeout: TIMEOUT_MS }
    execFile('systemctl', ['--user', ...words], options, (error, stdout, stderr) => {
      const absent = (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
      const why = absent ? 'There is no systemctl.' : (stderr.trim().split('\n').at(-1) ?? '')
      resolve({ works: error === null, said: stdout.trim(), why })
    })
  })
}

async function order(words: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { works, why } = await askManager(words, env)
  if (works) return
  const mend = `See why: systemctl --user status ${UNIT}; journalctl --user -u ${UNIT}`
  throw new MatteboxError('SERVICE_FAILED', `systemctl --user ${words.join(' ')} failed: ${why}`, mend)
}

function unwritable(unit: string, error: NodeJS.ErrnoException): MatteboxError {
  return new MatteboxError(
    'OUTPUT_UNWRITABLE',
    `${unit} cannot be changed: ${error.code ?? error.message}.`,
    `Give yourself write permission for ${dirname(unit)}.`,
    { cause: error },
  )
}
