import { afterAll, describe, expect, it } from 'vitest'
import { Cli } from './cli.ts'

const cli = new Cli()
afterAll(() => cli[Symbol.dispose]())

describe('mattebox bench', () => {
  it('reports machine, versions and both cases as JSON', async () => {
    const { stdout, code } = await cli.run(['bench', '--rounds', '1', '--json', '--model', await cli.randomModel()])
    expect(code).toBe(0)
    const report = JSON.parse(stdout) as { cases: Record<string, unknown>[] }
    expect(Object.keys(report)).toEqual(expect.arrayContaining(['machine', 'versions', 'cases']))
    expect(report.cases).toMatchObject([
      { name: '1080p', source: [1920, 1080], lowRes: [480, 272] },
      { name: '4k', source: [3840, 2160], lowRes: [480, 272] },
    ])
    for (const one of report.cases) {
      for (const figure of ['shrinkMs', 'stepMs', 'step2Ms', 'applyMs', 'peakMiB']) {
        expect(one[figure]).toBeGreaterThan(0)
      }
    }
  })

  it('says what is wrong with a baseline that is none', async () => {
    const { code, stderr } = await cli.run(['bench', '--model', await cli.randomModel(), '--baseline', 'no.onnx'])
    expect(code).toBe(2)
    expect(stderr).toContain('no.onnx')
  })

  it('wants a model, and says how to get one', async () => {
    const { code, stderr } = await cli.run(['bench'])
    expect(code).toBe(2)
    expect(stderr).toContain('models import')
  })
})
