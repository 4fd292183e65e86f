import { spawnSync, spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { board, changes, Redraw } from '../../src/cli/start-board.ts'
import { ENGINE_DEFAULTS } from '../../src/sidecar/main/engine-settings.ts'
import type { SidecarState } from '../../src/sidecar/main/sidecar.ts'
import { report, runs, until } from '../sidecar/main/told.ts'
import { ended } from './cli.ts'
import { Home, StartCommand } from './started.ts'

/**
 * The real command, and in place of the inference process a stand-in. Seen red: without `detached` where the inference
 * process is forked, "is ended by Ctrl-C …" finds it killed instead of retired.
 */

let command: StartCommand
beforeAll(() => (command = new StartCommand()))
afterAll(() => command.remove())

describe.concurrent('mattebox start', () => {
  it('says in lines what happens, and is ended by Ctrl-C in good order', async () => {
    const home = new Home(command, { always: { sources: [report('a1')] } })
    const { child, end } = home.start()
    await home.shows('Camera / Mattebox: connected')
    // Ctrl-C goes to every process of the terminal's group.
    process.kill(-child.pid!, 'SIGINT')
    const { code, stdout, stderr } = await end
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('Engine: starting\nNo filter is connected. In OBS: right-click the camera → Filters')
    expect(stdout).toContain('Engine: CUDA, stand-in, model mine\n')
    expect(home.entries.at(-1)?.heard).toEqual({ kind: 'retire' })
    expect(runs(home.entries[0].pid)).toBe(false)
  })

  it('prints the state as JSON once a second, and is ended by SIGTERM', async () => {
    const home = new Home(command, { always: { sources: [report('a1')] } })
    const { child, end } = home.start(
      '--json',
      '--threads',
      '2',
      '--provider',
      'cpu',
      '--port',
      String(home.port),
      '--no-open',
    )
    await home.shows('"connected":true')
    child.kill('SIGTERM')
    const { code, stdout } = await end
    expect(code).toBe(0)
    const states = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as SidecarState)
    expect(states[0]).toMatchObject({ engine: { state: 'starting' }, sources: [] })
    expect(states.at(-1)).toMatchObject({
      engine: { state: 'ready', provider: 'cpu' },
      sources: [{ filterId: 'a1', last: { answeredPerSecond: 29.5 } }],
      settings: { threads: 2, port: home.port },
    })
    expect(home.entries[0].started).toMatchObject({ threads: 2, provider: 'cpu', model: { name: 'mine' } })
    // What was said for this run is not kept.
    expect(existsSync(home.settings)).toBe(false)
  })

  it('takes its settings from the file, and says where that was damaged', async () => {
    const home = new Home(command)
    writeFileSync(home.settings, '{"version":1,"engine":{"threads":7}}')
    const first = home.start()
    await home.shows('Engine: CUDA')
    first.child.kill('SIGTERM')
    await first.end
    expect(home.entries[0].started).toMatchObject({ threads: 7 })
    writeFileSync(home.settings, '{"vers')
    const second = home.start()
    await until(() => home.entries.filter(({ started }) => started).length === 2, 'the second start', 20_000)
    second.child.kill('SIGTERM')
    expect((await second.end).stderr).toContain('settings.json.damaged-1')
  })

  it('runs without a model, and says how to get one', async () => {
    const home = new Home(command, {}, { model: false })
    const { child, end } = home.start()
    await home.shows('models import')
    child.kill('SIGINT')
    const { code, stdout } = await end
    expect(code).toBe(0)
    expect(stdout).toContain('Engine: none. No model is installed.')
  })

  it('ends at once where one runs already, and names it', async () => {
    const home = new Home(command)
    const first = home.start()
    await home.shows('Engine: CUDA')
    const { code, stdout, stderr } = await home.start('--json').end
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ALREADY_RUNNING' } })
    expect(stderr).toContain(`process ${first.child.pid}`)
    expect(stderr).toContain(`kill ${first.child.pid}`)
    first.child.kill('SIGTERM')
    expect((await first.end).code).toBe(0)
  })

  it('has an inference process that ends when it is killed', async () => {
    const home = new Home(command)
    const { child, end } = home.start()
    await home.shows('Engine: CUDA')
    child.kill('SIGKILL')
    await end
    await until(() => !runs(home.entries[0].pid), 'its end', 2000)
  })

  it.each([
    [['--model', 'unheard-of'], 2, 'No installed model is called unheard-of'],
    [['--port', '0'], 2, '--port is 0.'],
    [['--threads', 'many'], 2, '--threads is many.'],
    [['--provider', 'abacus'], 2, '--provider is abacus.'],
    [['--log-level', 'loud'], 2, '--log-level is loud.'],
  ])('answers a mistake with what is wrong: %j', async (options, code, message) => {
    const home = new Home(command)
    const result = await home.start(...options).end
    expect(result.stderr).toContain(message)
    expect(result.stderr).not.toMatch(/\n {4}at /)
    expect(result.code).toBe(code)
    expect(home.entries).toEqual([])
  })

  it.skipIf(spawnSync('script', ['--version']).error !== undefined)('draws a board on a terminal', async () => {
    const home = new Home(command, { always: { sources: [report('a1')] } })
    // `exec`: a shell that stays would end of Ctrl-C itself, as dash does.
    const line = `exec ${[process.execPath, ...home.args].map((word) => `'${word}'`).join(' ')}`
    const child = spawn('script', ['-qefc', line, '/dev/null'], { env: home.env, stdio: ['pipe', 'pipe', 'inherit'] })
    command.started.push(child)
    const end = ended(child)
    let text = ''
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()))
    await until(() => text.includes('29.5 answered'), 'a board', 20_000)
    // Ctrl-C, as a terminal hears it.
    child.stdin.write('\u0003')
    expect((await end).code).toBe(0)
    expect(text).toContain('\u001b[J')
  })
})

const starting: SidecarState = {
  settings: ENGINE_DEFAULTS,
  engine: { state: 'starting' },
  modelPath: null,
  avoid: [],
  processes: [],
  restarts: 0,
  sources: [],
  socket: null,
  refused: null,
  error: null,
}
const complaint = (message: string, code = 'PROVIDER_FAILED') => ({ code, message, mend: 'Do `mattebox doctor`.' })
const live: SidecarState = {
  ...starting,
  engine: {
    state: 'ready',
    provider: 'webgpu',
    device: 'A GPU',
    model: 'mine',
    passedOver: [{ provider: 'cuda', reason: complaint('There is no such GPU.', 'PROVIDER_NO_DEVICE') }],
  },
  sources: [
    {
      filterId: 'a1',
      connected: true,
      last: report('a1'),
      totals: { received: 1, answered: 1, dropped: {}, connections: 1 },
    },
  ],
}

describe('the board', () => {
  it('says a line of the engine, and of each filter what it does', () => {
    expect(board(live, [])).toEqual([
      'Engine: WebGPU, A GPU, model mine',
      '',
      'Camera / Mattebox',
      '  512x288 · 30.0 fps in, 29.5 answered · 21.4 ms · delay 67 ms · matched',
      '  resets: first 1, cut 2',
    ])
  })

  it('says what to do where no filter is connected', () => {
    expect(board(starting, []).at(-1)).toBe(
      'No filter is connected. In OBS: right-click the camera → Filters → + → Mattebox background removal.',
    )
  })

  it('says what is missing, and the mend with a command that works here', () => {
    const lines = board({ ...starting, engine: { state: 'none', error: complaint('Nothing runs.') } }, [])
    expect(lines[0]).toBe('Engine: none. Nothing runs.')
    expect(lines[1]).toMatch(/^ {2}Do `.*doctor`\.$/)
  })

  it('names a provider that failed while live, and none for which there is no GPU', () => {
    const lines = board({ ...live, avoid: [{ provider: 'cuda', reason: complaint('It fell over.') }] }, [])
    expect(lines[1]).toBe('  not on CUDA: It fell over.')
    expect(lines.filter((line) => line.includes('CUDA'))).toHaveLength(1)
  })

  it('shows no name that could move the cursor', () => {
    const hello = { ...report('a1').hello, source: 'Cam\u001b[2Jera\n' }
    const lines = board({ ...live, sources: [{ ...live.sources[0], last: { ...report('a1'), hello } }] }, [])
    expect(lines[2]).toBe('Cam�[2Jera� / Mattebox')
  })

  it('is drawn over itself, wrapped between words, in no more lines than the terminal has', () => {
    let written = ''
    const stream = { columns: 10, rows: 4, write: (text: string) => (written += text) }
    const redraw = new Redraw(stream as unknown as NodeJS.WriteStream)
    redraw.draw(['one', 'a line that is long', 'three', 'four'])
    expect(written).toBe('\rone\u001b[K\na line\u001b[K\nthat is\u001b[K\n\u001b[J')
    written = ''
    redraw.draw(['one'])
    expect(written).toBe('\u001b[3A\rone\u001b[K\n\u001b[J')
  })
})

describe('lines for a log', () => {
  it('tell what changed, and nothing twice', () => {
    expect(changes(starting, live)).toEqual(['Engine: WebGPU, A GPU, model mine', 'Camera / Mattebox: connected'])
    expect(changes(live, live)).toEqual([])
    expect(changes(live, { ...live, sources: [{ ...live.sources[0], connected: false }] })).toEqual([
      'Camera / Mattebox: gone',
    ])
  })

  it('tell two OBS with the same filter apart', () => {
    const [here] = live.sources
    const there = { ...here, connected: false, last: { ...here.last, hello: { ...here.last.hello, pid: 2 } } }
    const both = { ...live, sources: [here, there] }
    expect(changes(both, both)).toEqual([])
  })

  it('tell an error of the engine and of a filter with its mend', () => {
    const last = report('a1')
    const broken = { ...last, filter: { ...last.filter!, error: complaint('No texture.') } }
    const now = { ...live, error: complaint('It died.'), sources: [{ ...live.sources[0], last: broken }] }
    const lines = changes(live, now)
    expect(lines[0]).toMatch(/^It died\. Do `.*doctor`\.$/)
    expect(lines[1]).toMatch(/^Camera \/ Mattebox: No texture\. Do `.*doctor`\.$/)
  })
})
