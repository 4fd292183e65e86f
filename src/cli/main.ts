#!/usr/bin/env node
import { endWithParent, runAgainWithCuda } from './run-again.ts'
import { run } from './program.ts'

// `mattebox … | head`: what is written after the reader has gone is lost, and that is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.stderr.write(`mattebox: standard output cannot be written (${error.code ?? error.message}).\n`)
  process.exit(1)
})

endWithParent()
const code = await runAgainWithCuda(process.argv)
if (code === undefined) await run(process.argv)
else process.exitCode = code
