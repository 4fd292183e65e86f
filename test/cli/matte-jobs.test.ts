import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MatteboxError } from '../../src/errors/index.ts'
import { planJobs, type JobFlags } from '../../src/cli/matte-jobs.ts'

const folder = mkdtempSync(join(tmpdir(), 'mattebox-jobs-'))
const at = (name: string): string => join(folder, name)
const flags: JobFlags = { view: 'result', background: { kind: 'remove' } }

/** The outputs that a command line makes, by input; paths without the folder. */
function plan(inputs: readonly string[], output: string, more: Partial<JobFlags> = {}): unknown {
  const short = (path: string | undefined): string | undefined => path?.replace(`${folder}/`, '')
  const { jobs } = planJobs(inputs.map(at), output === '-' ? output : at(output), { ...flags, ...more })
  return jobs.map((job) => [job.input, job.output, job.outputAlpha, job.outputForeground].map(short).filter(Boolean))
}

beforeAll(() => {
  const names = ['clips/b10.mp4', 'clips/b9.mov', 'clips/notes.txt', 'frames.2/1.png', 'frames.2/2.png', 'me.jpeg']
  for (const name of [...names, 'mixed/a.mp4', 'mixed/a.png', 'other/b9.mkv', 'out.file']) {
    mkdirSync(dirname(at(name)), { recursive: true })
    writeFileSync(at(name), 'x')
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a command line', () => {
  it('of one input makes what is named', () => {
    expect(plan(['clips/b9.mov'], 'x.webm')).toEqual([['clips/b9.mov', 'x.webm']])
    expect(plan(['clips/b9.mov'], '-')).toEqual([['clips/b9.mov', '-']])
    expect(plan(['frames.2'], 'x')).toEqual([['frames.2', 'x']])
    expect(plan(['absent.mp4'], 'x.mp4', { outputAlpha: at('a.mkv') })).toEqual([['absent.mp4', 'x.mp4', 'a.mkv']])
  })

  it('of several makes a file each: of a folder its videos, in the order of their names', () => {
    expect(plan(['clips', 'me.jpeg', 'frames.2'], 'out')).toEqual([
      ['clips/b9.mov', 'out/b9.webm'],
      ['clips/b10.mp4', 'out/b10.webm'],
      ['me.jpeg', 'out/me.png'],
      ['frames.2', 'out/frames.2.webm'],
    ])
  })

  it.each<[Partial<JobFlags>, string[]]>([
    [{ view: 'alpha' }, ['out/b9.mkv']],
    [{ view: 'foreground' }, ['out/b9.mp4']],
    [{ background: { kind: 'blur' } }, ['out/b9.mp4']],
    [{ format: 'mov' }, ['out/b9.mov']],
    [{ format: 'png' }, ['out/b9']],
    [{ outputAlpha: at('alpha'), outputForeground: at('fore/') }, ['out/b9.webm', 'alpha/b9.mkv', 'fore/b9.mp4']],
    [{ outputAlpha: at('alpha'), format: 'gif' }, ['out/b9.gif', 'alpha/b9.gif']],
  ])('chooses the format that fits: %o', (more, outputs) => {
    expect(plan(['clips'], 'out', more)).toContainEqual(['clips/b9.mov', ...outputs])
  })

  it.each<[string, string[], string, Partial<JobFlags>, string]>([
    ['a file as output', ['clips'], 'out.webm', {}, 'want a folder as output'],
    ['a file that is there', ['clips'], 'out.file', {}, 'want a folder as output'],
    ['standard output', ['clips'], '-', {}, 'want a folder as output'],
    ['a file for a further output', ['clips'], 'out', { outputAlpha: 'alpha.mkv' }, 'alpha.mkv is none'],
    ['a format and a file', ['me.jpeg'], 'me.png', { format: 'mov' }, '--format wants a folder'],
    ['two of one name', ['clips', 'other'], 'out', {}, 'would both become'],
    ['one folder for two outputs', ['clips'], 'out', { outputAlpha: at('out'), format: 'mov' }, 'two outputs'],
    ['videos and pictures in one folder', ['mixed'], 'out', {}, 'holds videos and pictures'],
  ])('is refused with %s', (_, inputs, output, more, reason) => {
    const planning = (): unknown => plan(inputs, output, more)
    expect(planning).toThrow(MatteboxError)
    expect(planning).toThrow(reason)
  })
})
