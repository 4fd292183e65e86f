/**
 * The pure parts of the filter's picture, by the C programs of this folder (each says in its head how it turns red):
 * which frame is shown with whose matte, how long a frame waits, what is owed, the regions' mask.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { buildPrograms } from './programs.ts'

const folder = buildPrograms('address,undefined')

/** One test a case: titles come from the programs, so that they stand in one place. */
describe.each(['pairing', 'delay', 'regions'])('%s', (subject) => {
  const program = join(folder, `${subject}-cases`)
  const titles = execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  it.each(titles)('%s', (title) => {
    const { status, stdout, stderr } = spawnSync(program, [title], { encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
  })
})
