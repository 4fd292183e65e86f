import type { Command } from 'commander'
import { PanelSecret } from '../sidecar/panel/panel-secret.ts'

const MORE = `
Scripts send it with every request, as the header "Authorization: Bearer SECRET". Whoever has it can change every
setting and watch every source: keep it as you would a password. With --rotate every browser and script that was let in
is a stranger again, at once; \`mattebox start\` lets browsers in anew.`

/** `mattebox token`: the one place that prints the panel's secret. */
export function registerToken(program: Command): void {
  program
    .command('token')
    .description('print the secret that lets scripts use the panel’s API')
    .option('--rotate', 'put a new one in its place first: whoever has the old one is locked out')
    .option('--json', 'print one JSON object')
    .addHelpText('after', MORE)
    .action(token)
}

async function token({ rotate, json }: { rotate?: true; json?: true }): Promise<void> {
  const secret = await PanelSecret.open()
  if (rotate) await secret.rotate()
  const value = secret.value ?? ''
  process.stdout.write(json ? `${JSON.stringify({ token: value, rotated: rotate ?? false })}\n` : `${value}\n`)
}
