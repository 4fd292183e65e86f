import { afterAll, describe, expect, it } from 'vitest'
import { Cli } from './cli.ts'

const cli = new Cli()
afterAll(() => cli[Symbol.dispose]())

describe('mattebox', () => {
  it('alone says what it can do and how to get a model', async () => {
    const { code, stdout, stderr } = await cli.run([])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('matte clip.mp4 clip.webm')
    expect(stdout).toContain('rvm_mobilenetv3_fp32.onnx')
    expect(stdout).toContain('--model PATH')
  })

  it('knows its version and helps', async () => {
    expect((await cli.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    for (const command of ['matte', 'eval', 'models', 'doctor', 'bench', 'start', 'token', 'obs', 'service']) {
      const { code, stdout } = await cli.run([command, '--help'])
      expect(code).toBe(0)
      expect(stdout).toContain(`mattebox ${command}`)
    }
  })

  it('names a command that is none, and what was perhaps meant', async () => {
    const { code, stderr } = await cli.run(['mate', 'a', 'b'])
    expect(code).toBe(2)
    expect(stderr).toContain('mate')
    expect(stderr).toContain('Did you mean matte?')
  })

  it.each([
    [['matte', 'x'], 'output'],
    [['matte', 'a', 'b', '--colour', 'red'], '--colour'],
    [['doctor', 'more'], 'arguments'],
    // Seen red where the inference process that was forked ahead of time held this one: it never ended.
    [['start', '--nonsense'], '--nonsense'],
  ])('answers wrong use %j with code, message and mend, as JSON too', async (args, named) => {
    const { code, stdout, stderr } = await cli.run([...args, '--json'])
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'USAGE', message: expect.stringContaining(named) as string },
    })
    expect(stderr).toContain('--help')
    expect(stderr).not.toMatch(/\n {4}at /)
  })

  it('shows its help where a group of commands is called alone', async () => {
    const { code, stderr } = await cli.run(['models'])
    expect(code).toBe(2)
    expect(stderr).toContain('import')
  })
})
