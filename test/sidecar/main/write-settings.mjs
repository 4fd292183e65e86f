/**
 * Writes settings over and over until it is killed: `node write-settings.mjs <replace-file.js> <path>`. It loads no schema:
 * that takes far longer than what is to be interrupted.
 */
const [, , module, path] = process.argv
const { replaceFile } = await import(module)
process.stdout.write('ready\n')
for (let port = 1; ; port = (port % 60000) + 1) {
  await replaceFile(
    path,
    JSON.stringify({
      version: 1,
      padding: 'x'.repeat(20_000),
      engine: { port, threads: port % 257 },
      presets: [{ name: 'kept', settings: { max_delay_ms: 20 + (port % 481) } }],
    }),
  )
}
