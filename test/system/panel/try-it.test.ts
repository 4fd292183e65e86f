/**
 * The page *Try it* in a real Chromium, before a real `mattebox start` with real weights. Seen red where `accept` (in
 * matte-painter.ts) puts a frame's coefficients on the picture that was shown before it; where a reset that is asked for
 * is forgotten when a frame is in flight (trial.ts); where a matte that comes after the graphics card was taken away
 * is shown without its picture; where an error of a shader is not caught; and where a recording that is full says nothing.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadWeights } from '../../../src/model/weights/index.ts'
import { FullResolutionSession } from '../../../src/sidecar/inference/full-resolution-session.ts'
import { MattingSession, type ResetReason } from '../../../src/sidecar/inference/matting-session.ts'
import type { PanelState, TryMatte } from '../../../src/api/index.ts'
import { describeWithSharedData } from '../../shared-data.ts'
import { faults } from './faults.ts'
import { asCamera, compiledWithPage, launchBrowser, letIn, Panel } from './try-stage.ts'

const WIDTH = 640
const HEIGHT = 360
const FRAMES = 32
/** Of 255, on average over a frame. */
const PROMISED = 2
const PATIENT = { timeout: 40_000 }
const DEMO = join(import.meta.dirname, '..', '..', '..', 'demo', 'astronaut.webm')

/** A frame as the page used it; all pictures RGBA, top row first. */
interface Used {
  readonly header: TryMatte
  readonly low: Buffer
  readonly picture: Buffer
  readonly drawn: Buffer
}

describeWithSharedData('Try it', (shared) => {
  const model = join(shared, 'weights', 'rvm-standin.safetensors')
  const folder = mkdtempSync(join(tmpdir(), 'mattebox-try-'))
  let program: Awaited<ReturnType<typeof compiledWithPage>>
  let panel: Panel
  let browser: Browser
  let remembered: Awaited<ReturnType<typeof letIn>>

  beforeAll(async () => {
    program = await compiledWithPage()
    const camera = asCamera(join(shared, 'data', 'clips', 'gt-head-moving-background.mp4'), folder, WIDTH, HEIGHT)
    panel = await Panel.start(program.path, model)
    browser = await launchBrowser(camera)
    remembered = await letIn(browser, panel)
  }, 180_000)
  afterAll(async () => {
    await browser.close()
    await panel[Symbol.asyncDispose]()
    program.remove()
    rmSync(folder, { recursive: true })
  })

  /** The page for a browser that is new here. */
  async function open(options: { hash?: string; prepare?: (page: Page) => Promise<unknown> } = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, storageState: remembered })
    const page = await context.newPage()
    page.on('pageerror', (error) => expect.soft(error.message).toBe('no error in the page'))
    await options.prepare?.(page)
    await page.goto(`${new URL(panel.address).origin}/${options.hash ?? '#/try'}`)
    return page
  }

  it('puts each matte on the very frame that it was made from, as an offline run does', async () => {
    const page = await open({ hash: '#/try/export' })
    await page.getByRole('button', { name: 'Camera' }).click()
    await expect
      .poll(() => page.evaluate('window.usedFrames?.length ?? 0'), { timeout: 300_000, interval: 500 })
      .toBeGreaterThanOrEqual(FRAMES)
    const used: Used[] = []
    for (let i = 0; i < FRAMES; i++) used.push(await usedFrame(page, i))
    await page.context().close()

    const own: number[] = []
    const shifted: number[] = []
    const offline = await runOffline(used, model)
    used.forEach(({ low, picture, drawn, header }, i) => {
      expect(meanDifference(low, averaged(picture, header)), 'what is sent is the picture, averaged').toBeLessThan(0.5)
      own.push(alphaDifference(drawn, offline[i]))
      if (i > 0) shifted.push(alphaDifference(drawn, offline[i - 1]))
    })
    console.log(`worst ${Math.max(...own).toFixed(3)}, of the frame before: least ${Math.min(...shifted).toFixed(3)}`)
    expect(Math.max(...own)).toBeLessThanOrEqual(PROMISED)
    expect(shifted.filter((difference) => difference > PROMISED).length).toBeGreaterThan(0.9 * shifted.length)
  }, 400_000)

  it('draws every view of the clip that ships, and what is chosen behind the person', async () => {
    const page = await open({ hash: '#/try/export' })
    await page.getByRole('button', { name: 'Demo clip' }).click()
    const corner = async (): Promise<number[]> => {
      const { drawn } = await newestFrame(page)
      return [...drawn.subarray(0, 4)]
    }
    expect(await corner(), 'transparent').toEqual([0, 0, 0, 0])

    await page.getByRole('radio', { name: 'Alpha' }).check()
    const { drawn: alpha } = await newestFrame(page)
    const isGray = (pixel: number): boolean => alpha[pixel] === alpha[pixel + 1] && alpha[pixel] === alpha[pixel + 2]
    expect(pixels(alpha).every((pixel) => isGray(pixel) && alpha[pixel + 3] === 255)).toBe(true)
    expect(new Set(pixels(alpha).map((pixel) => alpha[pixel])).size, 'soft edges').toBeGreaterThan(64)

    await page.getByRole('radio', { name: 'Foreground' }).check()
    expect(await corner(), 'over black').toEqual([0, 0, 0, 255])

    await page.getByRole('radio', { name: 'Result' }).check()
    await page.getByRole('radio', { name: 'Colour' }).check()
    await page.getByLabel('Colour of the background').fill('#336699')
    expect(await corner(), 'colour').toEqual([0x33, 0x66, 0x99, 255])

    await page.getByRole('radio', { name: 'Picture' }).check()
    await page.getByLabel('Picture for the background').setInputFiles(onePicture(folder))
    // It is read and made smaller meanwhile.
    await expect.poll(corner, { ...PATIENT, message: 'picture' }).toEqual([200, 100, 0, 255])

    await page.getByRole('radio', { name: 'Blur' }).check()
    // Where the clip has begun again, the matte takes much of the room for the person: that is not blurred.
    await expect
      .poll(async () => {
        const { drawn, picture } = await newestFrame(page)
        expect(drawn[3]).toBe(255)
        return detail(drawn) / detail(picture)
      }, PATIENT)
      .toBeLessThan(0.5)

    await page.getByLabel('Before and after').check()
    const { drawn: compared, picture: before } = await newestFrame(page)
    const left = pixels(compared).filter((pixel) => (pixel / 4) % WIDTH < WIDTH / 2 - 1)
    expect(left.every((pixel) => [0, 1, 2].every((c) => compared[pixel + c] === before[pixel + c]))).toBe(true)
    await page.getByLabel('Line between before and after').focus()
    await page.keyboard.press('Home')
    const { drawn: moved, picture: unmoved } = await newestFrame(page)
    const middle = pixels(moved).filter((pixel) => (pixel / 4) % WIDTH === WIDTH / 4)
    expect(middle.some((pixel) => moved[pixel] !== unmoved[pixel])).toBe(true)
    await page.context().close()
  }, 180_000)

  it('asks the network for what is set, and says what it answers', async () => {
    const page = await open({ hash: '#/try/export' })
    const figure = (name: string) => page.locator('.figure', { hasText: name }).locator('dd')
    // A file plays as the clip does.
    await page.locator('input[type=file][accept="video/*"]').setInputFiles(DEMO)
    await expect.poll(() => figure('Network sees').textContent(), PATIENT).toBe('512 × 288')
    expect(await figure('Source').textContent()).toBe('640 × 360')
    expect(await figure('Provider').textContent()).toBe('CPU')
    expect(await figure('Model').textContent()).toBe('rvm-standin')
    // A paused picture follows what is set as well, and the clip does not begin again meanwhile.
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('radio', { name: 'Portrait' }).check()
    await expect.poll(() => figure('Network sees').textContent(), PATIENT).toBe('240 × 128')
    await expect.poll(() => figure('Last reset').textContent(), PATIENT).toMatch(/^size changed, /)
    await page.getByRole('button', { name: 'Reset state now' }).click()
    await expect.poll(() => figure('Last reset').textContent(), PATIENT).toMatch(/^asked for, /)

    await page.getByLabel('Decontaminate').uncheck()
    await page.getByRole('button', { name: 'Play' }).click()
    expect((await newestFrame(page)).header).toMatchObject({ width: 240, height: 128, planes: 2 })
    await page.context().close()
  }, 120_000)

  it('plays a file that is dropped on it', async () => {
    const page = await open({ hash: '#/try/export' })
    const clip = readFileSync(DEMO).toString('base64')
    await page.evaluate(`{
      const bytes = Uint8Array.from(atob('${clip}'), (letter) => letter.charCodeAt(0))
      const given = new DataTransfer()
      given.items.add(new File([bytes], 'clip.webm', { type: 'video/webm' }))
      document.querySelector('.try').dispatchEvent(new DragEvent('drop', { dataTransfer: given, bubbles: true }))
    }`)
    expect((await newestFrame(page)).header).toMatchObject({ width: 512, height: 288 })
    await page.context().close()
  })

  it('says that a dropped file cannot be played', async () => {
    const page = await open()
    await page.evaluate(`{
      const given = new DataTransfer()
      given.items.add(new File(['no video'], 'notes.mp4', { type: 'video/mp4' }))
      document.querySelector('.try').dispatchEvent(new DragEvent('drop', { dataTransfer: given, bubbles: true }))
    }`)
    await page.getByRole('alert').getByText('This browser cannot play that file.').waitFor()
    await page.context().close()
  })

  it('lets the camera go on stop, when the page is hidden and when it is left', async () => {
    const page = await open({
      prepare: (page) =>
        page.addInitScript(`{
          window.tracks = []
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
          navigator.mediaDevices.getUserMedia = async (wanted) => {
            const stream = await ask(wanted)
            tracks.push(...stream.getTracks())
            return stream
          }
        }`),
    })
    const live = (): Promise<unknown> => page.evaluate("tracks.filter((track) => track.readyState === 'live').length")
    const start = async (): Promise<void> => {
      await page.getByRole('button', { name: 'Camera' }).click()
      await expect.poll(live, PATIENT).toBe(1)
    }
    await start()
    await page.getByRole('button', { name: 'Stop' }).click()
    expect(await live()).toBe(0)
    await start()
    await page.evaluate(`{
      Object.defineProperty(document, 'hidden', { value: true, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
      delete document.hidden
    }`)
    expect(await live()).toBe(0)
    await page.getByRole('alert').getByText('The camera was let go while this page was hidden.').waitFor()
    await start()
    await page.getByRole('link', { name: 'Engine' }).click()
    await expect.poll(live, PATIENT).toBe(0)
    await page.context().close()
  })

  it.each([
    ['not allowed', refusing('NotAllowedError'), 'The camera was not allowed.'],
    ['there is none', refusing('NotFoundError'), 'No camera was found.'],
    ['in use elsewhere', refusing('NotReadableError'), 'The camera is in use elsewhere.'],
    [
      'no secure page',
      'delete Navigator.prototype.mediaDevices',
      'Browsers give the camera only to pages on this computer',
    ],
    ['an OBS dock', 'window.obsstudio = {}', 'There is no camera in an OBS dock.'],
  ])('says why there is no camera: %s', async (_, script, sentence) => {
    const page = await open({ prepare: (page) => page.addInitScript(script) })
    await page.getByRole('button', { name: 'Camera' }).click()
    await page.getByRole('alert').getByText(sentence).waitFor()
    await page.context().close()
  })

  it('says that the browser scrambles what is read from a canvas', async () => {
    const page = await open({
      prepare: (page) =>
        page.addInitScript(`{
          const { prototype } = WebGL2RenderingContext
          const read = prototype.readPixels
          prototype.readPixels = function (...given) {
            read.apply(this, given)
            const pixels = given[6]
            for (let i = 0; i < pixels.length; i += 97) pixels[i] ^= 4
          }
        }`),
    })
    await page.getByRole('button', { name: 'Demo clip' }).click()
    await page.getByRole('alert').getByText('This browser scrambles what a page reads from a canvas').waitFor()
    await page.context().close()
  })

  it('says what the driver of the graphics card does not draw, until something else is chosen', async () => {
    const page = await open({
      prepare: (page) =>
        page.addInitScript(`{
          const { prototype } = WebGL2RenderingContext
          const give = prototype.shaderSource
          prototype.shaderSource = function (shader, text) {
            give.call(this, shader, text.includes('#define BACKDROP 1') ? 'refused' : text)
          }
        }`),
    })
    await page.getByRole('button', { name: 'Demo clip' }).click()
    await page.locator('.try-canvas').waitFor(PATIENT)
    const refused = page.getByText('This browser could not draw:')
    await page.getByRole('radio', { name: 'Colour' }).check()
    await refused.waitFor()
    await page.getByRole('radio', { name: 'Transparent' }).check()
    await refused.waitFor({ state: 'detached' })
    await page.context().close()
  })

  it('goes on by itself after the inference process was killed, and after the graphics card was taken away', async () => {
    const page = await open({ hash: '#/try/export' })
    await page.getByRole('button', { name: 'Demo clip' }).click()
    await newestFrame(page)
    const inferencePid = async (): Promise<number | null | undefined> => {
      const state = await page.evaluate<PanelState>("fetch('/api/state').then((answer) => answer.json())")
      return state.processes.find(({ name }) => name === 'inference')?.pid
    }
    const killed = (await inferencePid())!
    process.kill(killed, 'SIGKILL')
    // Where the next process is soon there, the page says nothing of it.
    await expect.poll(inferencePid, PATIENT).toSatisfy((pid: unknown) => typeof pid === 'number' && pid !== killed)
    await newestFrame(page)
    await expect.poll(() => page.locator('.try-note').textContent(), PATIENT).toBe('')

    await page.evaluate(`{
      window.taker = document.querySelector('.try-canvas').getContext('webgl2').getExtension('WEBGL_lose_context')
      taker.loseContext()
    }`)
    await page.locator('.try-note').getByText('The browser has taken the graphics card away').waitFor()
    await page.evaluate('taker.restoreContext()')
    await newestFrame(page)
    await page.context().close()
  }, 120_000)

  it('records what is shown, with its transparency', async () => {
    const page = await open()
    await page.getByRole('button', { name: 'Demo clip' }).click()
    await page.getByRole('button', { name: 'Record', exact: true }).click(PATIENT)
    await page.getByText(/^0:0[3-9]$/).waitFor()
    await page.getByRole('button', { name: 'Stop recording' }).click()
    await page.getByText('It carries transparency.').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save the recording' }).click(),
    ])
    const file = join(folder, 'recording.webm')
    await download.saveAs(file)
    const told = execFileSync('ffprobe', ['-v', 'error', '-show_streams', file], { encoding: 'utf8' })
    expect(told).toMatch(/^width=640$/m)
    expect(told).toMatch(/^TAG:alpha_mode=1$/m)
    await page.context().close()
  }, 120_000)

  it('keeps a recording whose page is left, and asks before it is lost', async () => {
    const page = await open()
    await page.getByRole('button', { name: 'Demo clip' }).click()
    await page.getByRole('button', { name: 'Record', exact: true }).click(PATIENT)
    await page.getByText(/^0:0[2-9]$/).waitFor()
    await page.getByRole('link', { name: 'Engine' }).click()
    await page.getByRole('heading', { name: 'In use' }).waitFor()
    await page.getByRole('link', { name: 'Try it' }).click()
    await page.getByRole('button', { name: /^Save the recording \([\d.]+ MB\)$/ }).waitFor()
    const isAsked = () => page.evaluate("!dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    expect(await isAsked()).toBe(true)
    await page.getByRole('button', { name: 'Discard' }).click()
    expect(await isAsked()).toBe(false)
    await page.context().close()
  }, 120_000)

  it('says that a recording ended by itself where the page is full', async () => {
    const page = await open({
      prepare: (page) =>
        page.addInitScript(`{
          const { get } = Object.getOwnPropertyDescriptor(Blob.prototype, 'size')
          const size = function () { return (this.type.startsWith('video/') ? 2 ** 29 : 0) + get.call(this) }
          Object.defineProperty(Blob.prototype, 'size', { get: size })
        }`),
    })
    await page.getByRole('button', { name: 'Demo clip' }).click()
    await page.getByRole('button', { name: 'Record', exact: true }).click(PATIENT)
    await page.getByText('It ended by itself: a page keeps at most 512 MiB.').waitFor()
    await page.getByRole('button', { name: 'Record', exact: true }).waitFor()
    await page.context().close()
  })

  it('asks for a model where there is none, and goes on by itself once it is given one', async () => {
    await using bare = await Panel.start(program.path, undefined)
    const context = await browser.newContext({ storageState: await letIn(browser, bare) })
    const page = await context.newPage()
    await page.goto(`${new URL(bare.address).origin}/#/try`)
    await page.getByRole('heading', { name: 'No model is installed' }).waitFor()
    await page.getByRole('button', { name: 'Demo clip' }).click()
    await page.getByLabel('File', { exact: true }).setInputFiles(model)
    await page.getByRole('button', { name: 'Import', exact: true }).click()
    await page.locator('.try-canvas').waitFor(PATIENT)
    expect(await page.getByRole('heading', { name: 'No model is installed' }).count()).toBe(0)
    await context.close()
  }, 120_000)

  it.each([
    ['wide and light', { width: 1280, height: 900 }, 'light'],
    ['a phone', { width: 360, height: 740 }, 'dark'],
    ['a dock', { width: 300, height: 600 }, 'dark'],
  ] as const)(
    'has no fault of WCAG 2.2 AA, and nothing is cut off: %s',
    async (_, viewport, theme) => {
      const page = await open()
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme: theme })
      expect(await faults(page)).toEqual([])
      await page.getByRole('button', { name: 'Demo clip' }).click()
      await page.locator('.try-canvas').waitFor(PATIENT)
      await page.getByLabel('Before and after').check()
      await page.getByRole('radio', { name: 'Colour' }).check()
      await page.locator('summary', { hasText: 'Edges' }).click()
      expect(await faults(page)).toEqual([])
      await page.context().close()
    },
    120_000,
  )
})

/** A script that lets a page's wish for a camera fail. */
function refusing(name: string): string {
  return `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '${name}'))`
}

/** A frame that was sent after what was changed in the page before. */
async function newestFrame(page: Page): Promise<Used> {
  // It reaches what draws after the next paint, as Preact runs effects.
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))')
  await page.evaluate('window.usedFrames && (usedFrames.length = 0)')
  // The first may have been in flight.
  await expect.poll(() => page.evaluate('window.usedFrames?.length ?? 0'), PATIENT).toBeGreaterThanOrEqual(2)
  return usedFrame(page, 1)
}

/** Where the pixels of an RGBA picture begin. */
function pixels(rgba: Uint8Array): number[] {
  return Array.from({ length: rgba.length / 4 }, (_, i) => 4 * i)
}

/** Sum of the differences of neighbours, in the green of the left quarter. */
function detail(rgba: Uint8Array): number {
  let sum = 0
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 1; x < WIDTH / 4; x++) sum += Math.abs(rgba[4 * (y * WIDTH + x) + 1] - rgba[4 * (y * WIDTH + x) - 3])
  }
  return sum
}

/** A PNG of one colour. */
function onePicture(folder: string): string {
  const file = join(folder, 'backdrop.png')
  const wanted = [
    '-v',
    'error',
    '-y',
    '-f',
    'lavfi',
    '-i',
    // Larger than any texture here.
    'color=0xc86400:size=9000x32,format=rgb24',
    '-frames:v',
    '1',
    '-pix_fmt',
    'rgb24',
  ]
  execFileSync('ffmpeg', [...wanted, file])
  return file
}

async function usedFrame(page: Page, index: number): Promise<Used> {
  const { header, ...pictures } = await page.evaluate<
    Record<'low' | 'picture' | 'drawn', string> & { header: TryMatte }
  >(
    `(async ({ header, ...pictures }) => {
      const base64 = (bytes) =>
        new Promise((resolve) => {
          const reader = new FileReader()
          reader.onload = () => resolve(reader.result.split(',')[1])
          reader.readAsDataURL(new Blob([bytes]))
        })
      const told = { header }
      for (const [name, bytes] of Object.entries(pictures)) told[name] = await base64(bytes)
      return told
    })(window.usedFrames[${index}])`,
  )
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64')
  return { header, low: bytes(pictures.low), picture: bytes(pictures.picture), drawn: bytes(pictures.drawn) }
}

/** Alpha of every frame, uint8 [HEIGHT, WIDTH], by the same network and the same last two lines, without a browser. */
async function runOffline(used: readonly Used[], model: string): Promise<Uint8Array[]> {
  const { weights } = await loadWeights(model)
  const { width, height, planes } = used[0].header
  await using session = new MattingSession({
    ...{ weights: () => weights, provider: 'cpu', threads: 2 },
    ...{ refiner: 'deep', planes, cutDetection: false },
  })
  await using full = await FullResolutionSession.create({
    ...{ height: HEIGHT, width: WIDTH, lowHeight: height, lowWidth: width, planes, output: 'alpha' },
  })
  const alphas: Uint8Array[] = []
  for (const { header, low, picture } of used) {
    if (header.reset !== null) session.reset(header.reset as ResetReason)
    const { planes } = await session.step({ data: bgra(low), width, height })
    alphas.push(Uint8Array.from(await full.apply(bgra(picture), planes)))
  }
  return alphas
}

function bgra(rgba: Uint8Array): Uint8Array {
  const swapped = Uint8Array.from(rgba)
  for (let i = 0; i < swapped.length; i += 4) {
    swapped[i] = rgba[i + 2]
    swapped[i + 2] = rgba[i]
  }
  return swapped
}

/** A picture made small by true area averaging. */
function averaged(
  picture: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Uint8Array {
  const small = new Uint8Array(4 * width * height)
  for (let y = 0; y < height; y++) {
    const rows = overlaps(y, HEIGHT / height)
    for (let x = 0; x < width; x++) {
      const columns = overlaps(x, WIDTH / width)
      for (let channel = 0; channel < 4; channel++) {
        let sum = 0
        for (const [row, tall] of rows) {
          for (const [column, wide] of columns) sum += tall * wide * picture[4 * (row * WIDTH + column) + channel]
        }
        small[4 * (y * width + x) + channel] = Math.round((sum * width * height) / (WIDTH * HEIGHT))
      }
    }
  }
  return small
}

/** The pixels under a pixel of the small picture, and how far each lies under it. */
function overlaps(index: number, scale: number): [number, number][] {
  const [low, high] = [index * scale, (index + 1) * scale]
  const found: [number, number][] = []
  for (let at = Math.floor(low); at < high - 1e-9; at++) found.push([at, Math.min(at + 1, high) - Math.max(at, low)])
  return found
}

function meanDifference(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((sum, value, i) => sum + Math.abs(value - other[i]), 0) / one.length
}

/** Of the canvas's alpha: it is transparent where the background is. */
function alphaDifference(drawn: Uint8Array, alpha: Uint8Array): number {
  return alpha.reduce((sum, value, i) => sum + Math.abs(value - drawn[4 * i + 3]), 0) / alpha.length
}
