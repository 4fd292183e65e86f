/** What the service runs, and with what. */
export interface UnitContent {
  /** Node's real path. */
  readonly node: string
  readonly program: string
  /** Variables that the command was given and the user's manager need not have. */
  readonly environment: Readonly<Record<string, string>>
}

/** The first line: by it a unit is known as ours. */
export const UNIT_MARK = '# Written by `mattebox service install`; `mattebox service uninstall` removes it.'

/**
 * The unit of systemd's user manager that keeps the sidecar running (systemd.unit(5), systemd.service(5)).
 *
 * Its fences are those that need no namespace: what shuts devices or the home folder away (PrivateDevices,
 * ProtectHome) would take the GPU and the socket, and MemoryDenyWriteExecute JavaScript's compiler.
 */
export function unitText({ node, program, environment }: UnitContent): string {
  const variables = Object.entries(environment).map(
    ([name, value]) => `Environment=${quoted(escapeSpecifiers(`${name}=${value}`))}`,
  )
  return [
    UNIT_MARK,
    '[Unit]',
    'Description=mattebox: takes the person out of a live picture in OBS',
    // After a fall of the driver: five tries in a minute, then it is the user’s turn.
    'StartLimitIntervalSec=60',
    'StartLimitBurst=5',
    '',
    '[Service]',
    'Type=simple',
    `ExecStart=${command([node, program, 'start', '--no-open'])}`,
    'Restart=on-failure',
    'RestartSec=2',
    // Wrong use: another start would end the same.
    'RestartPreventExitStatus=2',
    ...variables,
    'NoNewPrivileges=yes',
    'LockPersonality=yes',
    'RestrictSUIDSGID=yes',
    'UMask=0077',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n')
}

/**
 * A command line after the rules of systemd.service(5), "Command lines": words in quotes with escapes of C, `%` doubled
 * against specifiers and `$` against variables. The program's own path knows no variables, and may hold neither quotes
 * nor backslashes (config_parse_exec in load-fragment.c): there env(1) starts it.
 */
function command(words: readonly string[]): string {
  const [program] = words
  const plain = !/["'\\$]/.test(program)
  const first = plain ? quoted(escapeSpecifiers(program)) : '/usr/bin/env'
  const others = plain ? words.slice(1) : words
  return [first, ...others.map((word) => quoted(escapeSpecifiers(word).replaceAll('$', '$$$$')))].join(' ')
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll('%', '%%')
}

function quoted(text: string): string {
  if (/^[\w./=:@%$-]+$/.test(text)) return text
  const escaped = text.replace(/["\\]|[^\P{Cc}]/gu, (sign) =>
    sign === '"' || sign === '\\' ? `\\${sign}` : `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
  return `"${escaped}"`
}
