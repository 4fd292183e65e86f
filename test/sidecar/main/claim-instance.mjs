/**
 * Takes the place of the user's only sidecar, or not, and says so in a JSON line:
 * `node claim-instance.mjs <instance.js> <state folder>`. It begins when its input closes, and keeps the place.
 */
const [, , module, folder] = process.argv
const { claimInstance } = await import(module)
process.stdout.write('up\n')
await new Promise((resolve) => process.stdin.resume().on('end', resolve))
const startedAt = new Date().toISOString()
const info = () => ({ pid: process.pid, version: '1.2.3', panel: null, socket: '/some/socket', startedAt })
const say = (result) => process.stdout.write(`${JSON.stringify({ pid: process.pid, ...result })}\n`)
try {
  await claimInstance(info, folder)
  say({ won: true })
  setInterval(() => undefined, 1000)
} catch (error) {
  say({ won: false, code: error.code, message: error.message, mend: error.mend })
}
