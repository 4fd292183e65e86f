import type { TryMatte } from '../../api/index.ts'
import { interleave } from './interleave.ts'
import type { Look } from './look.ts'
import { buildProgram, type Program } from './program.ts'
import { AVERAGE, BLUR, MATTE, RESULT, SHRINK } from './shaders.ts'

/** Steps of a blur to either side, as in the shader. */
const STEPS = 8

export interface Size {
  readonly width: number
  readonly height: number
}

/** A texture, and the size and format of what it holds. */
interface Sheet extends Size {
  readonly texture: WebGLTexture
  readonly format: number
  /** To draw into it and to read it; made when it is wanted. */
  buffer: WebGLFramebuffer | undefined
}

/** A full-resolution picture with the coefficients that were made from it. */
interface Pair {
  picture: Sheet | undefined
  coefficients: readonly Sheet[]
}

/**
 * The guided filter's last two lines on the full picture, in WebGL 2: what OBS's shader does, in a browser.
 *
 * A picture that is captured is kept until its matte comes, and the two are drawn together.
 */
export class MattePainter {
  readonly #gl: WebGL2RenderingContext
  readonly #programs = new Map<string, Program>()
  readonly #linearLight: number
  #waiting: Pair = { picture: undefined, coefficients: [] }
  #shown: Pair = { picture: undefined, coefficients: [] }
  #isWaiting = false
  #small: Sheet | undefined
  #mattes: Sheet[] = []
  #behinds: Sheet[] = []
  #backdrop: Sheet | undefined

  /** @throws {Error} if this browser has no WebGL 2 */
  constructor(canvas: HTMLCanvasElement) {
    const gl = canvas.getContext('webgl2', { alpha: true, premultipliedAlpha: true, antialias: false, depth: false })
    if (!gl) throw new Error('This browser has no WebGL 2.')
    this.#gl = gl
    const rendersHalves = gl.getExtension('EXT_color_buffer_float') ?? gl.getExtension('EXT_color_buffer_half_float')
    this.#linearLight = rendersHalves ? gl.RGBA16F : gl.SRGB8_ALPHA8
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1)
    gl.pixelStorei(gl.PACK_ALIGNMENT, 1)
    gl.disable(gl.BLEND)
    gl.disable(gl.DITHER)
  }

  /** Size of the picture that is drawn; undefined before the first. */
  get shown(): Size | undefined {
    return this.#shown.picture
  }

  /**
   * Keeps a picture until its matte comes, and makes it small by area averaging.
   *
   * @returns uint8 RGBA [small.height, small.width, 4], straight
   */
  capture(source: TexImageSource, size: Size, small: Size): Uint8Array<ArrayBuffer> {
    const gl = this.#gl
    const picture = this.#sheet(this.#waiting.picture, size, gl.RGBA8)
    this.#waiting.picture = picture
    this.#isWaiting = true
    gl.bindTexture(gl.TEXTURE_2D, picture.texture)
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, size.width, size.height, gl.RGBA, gl.UNSIGNED_BYTE, source)
    this.#small = this.#sheet(this.#small, small, gl.RGBA8)
    this.#average(picture, this.#small, 0)
    return this.#read(small)
  }

  /**
   * Pairs the picture that waits with its matte, to be drawn from now on.
   *
   * @returns whether one waited
   */
  accept(
    { width, height, planes: count }: Pick<TryMatte, 'width' | 'height' | 'planes'>,
    planes: Uint16Array,
  ): boolean {
    if (!this.#isWaiting) return false
    const gl = this.#gl
    const internal = count === 8 ? gl.RGBA16F : gl.RG16F
    const pair = this.#waiting
    pair.coefficients = interleave(planes, count).map((texels, i) => {
      const sheet = this.#sheet(pair.coefficients[i], { width, height }, internal)
      const format = count === 8 ? gl.RGBA : gl.RG
      gl.bindTexture(gl.TEXTURE_2D, sheet.texture)
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, format, gl.HALF_FLOAT, texels)
      return sheet
    })
    this.#waiting = this.#shown
    this.#shown = pair
    this.#isWaiting = false
    return true
  }

  /** The picture that waits will get no matte. */
  discard(): void {
    this.#isWaiting = false
  }

  /** The picture behind the person; straight alpha. */
  setBackdrop(bitmap: ImageBitmap): void {
    const gl = this.#gl
    this.#backdrop = this.#sheet(this.#backdrop, bitmap, gl.RGBA8)
    gl.bindTexture(gl.TEXTURE_2D, this.#backdrop.texture)
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, gl.RGBA, gl.UNSIGNED_BYTE, bitmap)
  }

  /** Draws the pair onto the canvas, which takes on the picture's size: premultiplied. */
  draw(look: Look): void {
    const gl = this.#gl
    const { picture, coefficients } = this.#shown
    if (!picture || coefficients.length === 0) return
    const matte = look.feather === 0 ? undefined : this.#drawMatte(picture, look)
    const isBlurred = look.background === 'blur' && look.view === 'result'
    const blurred = isBlurred ? this.#drawBehind(picture, matte, look) : undefined
    const behind = blurred ?? (look.background === 'picture' ? this.#backdrop : undefined)

    const { canvas } = gl
    if (canvas.width !== picture.width) canvas.width = picture.width
    if (canvas.height !== picture.height) canvas.height = picture.height
    const program = this.#matting(RESULT, matte, look, {
      VIEW: ['result', 'alpha', 'foreground'].indexOf(look.view),
      BACKDROP: look.background === 'colour' ? 1 : isBlurred ? 3 : behind ? 2 : 0,
    })
    program.sample('image', picture.texture)
    if (behind) program.sample('behind', behind.texture)
    if (behind) program.set('behind_scale', ...covering(behind, picture))
    program.set('colour', ...look.colour)
    program.set('divider', look.divider ?? -1)
    this.#run(program, null)
  }

  /**
   * What the last `draw` in this task has put onto the canvas, RGBA, premultiplied, top row first; and the picture that
   * it was drawn from, RGBA, straight.
   */
  read(): { readonly drawn: Uint8Array; readonly picture: Uint8Array } {
    const gl = this.#gl
    const { picture } = this.#shown
    if (!picture) throw new Error('Nothing is drawn yet.')
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
    const drawn = upsideDown(this.#read(picture), picture)
    this.#bind(picture)
    return { drawn, picture: this.#read(picture) }
  }

  /** Gives its memory on the GPU back at once; it draws nothing any more. */
  release(): void {
    this.#gl.getExtension('WEBGL_lose_context')?.loseContext()
  }

  /** Alpha after levels and feather. */
  #drawMatte(picture: Sheet, look: Look): Sheet {
    this.#mattes = this.#sheets(this.#mattes, picture, this.#gl.R8)
    const program = this.#matting(MATTE, undefined, look, {})
    program.sample('image', picture.texture)
    this.#run(program, this.#mattes[0])
    const step = inPixels(Math.abs(look.feather), picture) / STEPS
    this.#bothDirections(look.feather > 0 ? BLUR : SHRINK, this.#mattes, step, STEPS / 2)
    return this.#mattes[0]
  }

  /** The background, blurred without the person. Blurred small: a radius of some 4 pixels there is a smooth one here. */
  #drawBehind(picture: Sheet, matte: Sheet | undefined, look: Look): Sheet {
    const radius = inPixels(look.blurRadius, picture)
    const scale = Math.max(1, radius / 4)
    const size = { width: Math.ceil(picture.width / scale), height: Math.ceil(picture.height / scale) }
    this.#behinds = this.#sheets(this.#behinds, size, this.#linearLight)
    this.#average(picture, this.#behinds[0], 1, matte, look)
    if (radius > 0) this.#bothDirections(BLUR, this.#behinds, (radius / scale / STEPS) * 1.5, STEPS / 3)
    return this.#behinds[0]
  }

  #average(picture: Sheet, target: Sheet, what: 0 | 1, matte?: Sheet, look?: Look): void {
    const program = look ? this.#matting(AVERAGE, matte, look, { WHAT: what }) : this.#program(AVERAGE, { WHAT: what })
    program.sample('image', picture.texture)
    program.set('drawn_size', target.width, target.height)
    this.#run(program, target)
  }

  /** Over the first sheet, by way of the second. */
  #bothDirections(shader: string, [first, second]: readonly Sheet[], step: number, sigma: number): void {
    const program = this.#program(shader, {})
    for (const [from, to, x, y] of [
      [first, second, step / first.width, 0],
      [second, first, 0, step / first.height],
    ] as const) {
      program.sample('image', from.texture)
      program.set('tap', x, y)
      program.set('sigma', sigma)
      this.#run(program, to)
    }
  }

  /** A program that asks for the matte of the pair that is shown. */
  #matting(shader: string, matte: Sheet | undefined, look: Look, defines: Record<string, number>): Program {
    const { coefficients } = this.#shown
    const planes = coefficients.length === 2 ? 8 : 2
    const program = this.#program(shader, { ...defines, PLANES: planes, HAS_MATTE: matte ? 1 : 0 })
    program.sample('coefficients', coefficients[0].texture)
    if (planes === 8) program.sample('coefficients_b', coefficients[1].texture)
    if (matte) program.sample('matte', matte.texture)
    program.set('level_low', look.low)
    program.set('level_high', look.high)
    return program
  }

  /** The program, in use. */
  #program(shader: string, defines: Record<string, number>): Program {
    const key = `${JSON.stringify(defines)}${shader}`
    const program = this.#programs.get(key) ?? buildProgram(this.#gl, shader, defines)
    this.#programs.set(key, program)
    program.use()
    return program
  }

  /** Leaves the target bound, to be read. */
  #run(program: Program, target: Sheet | null): void {
    const gl = this.#gl
    if (target) this.#bind(target)
    else gl.bindFramebuffer(gl.FRAMEBUFFER, null)
    const { width, height } = target ?? gl.canvas
    gl.viewport(0, 0, width, height)
    program.set('to_canvas', target ? 0 : 1)
    gl.drawArrays(gl.TRIANGLES, 0, 3)
  }

  /** Makes it what is drawn into and read. */
  #bind(sheet: Sheet): void {
    const gl = this.#gl
    const isNew = !sheet.buffer
    sheet.buffer ??= gl.createFramebuffer()
    gl.bindFramebuffer(gl.FRAMEBUFFER, sheet.buffer)
    if (isNew) gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, sheet.texture, 0)
  }

  #read({ width, height }: Size): Uint8Array<ArrayBuffer> {
    const gl = this.#gl
    const pixels = new Uint8Array(4 * width * height)
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels)
    return pixels
  }

  #sheets(old: readonly Sheet[], size: Size, format: number): Sheet[] {
    return [0, 1].map((i) => this.#sheet(old[i], size, format))
  }

  /** The old one where it fits. */
  #sheet(old: Sheet | undefined, { width, height }: Size, format: number): Sheet {
    if (old?.width === width && old.height === height && old.format === format) return old
    const gl = this.#gl
    if (old) gl.deleteTexture(old.texture)
    if (old?.buffer) gl.deleteFramebuffer(old.buffer)
    const texture = gl.createTexture()
    gl.bindTexture(gl.TEXTURE_2D, texture)
    gl.texStorage2D(gl.TEXTURE_2D, 1, format, width, height)
    for (const [name, value] of [
      [gl.TEXTURE_MIN_FILTER, gl.LINEAR],
      [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
      [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
      [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
    ] as const) {
      gl.texParameteri(gl.TEXTURE_2D, name, value)
    }
    return { texture, width, height, format, buffer: undefined }
  }
}

/** Settings give lengths in pixels of a picture of 1080 lines. */
function inPixels(length: number, { height }: Size): number {
  return (length * height) / 1080
}

/** The part of `sheet`'s coordinates that covers a picture without changing its shape. */
function covering(sheet: Size, { width, height }: Size): [number, number] {
  const across = sheet.width / width
  const down = sheet.height / height
  const scale = Math.min(across, down)
  return [scale / across, scale / down]
}

function upsideDown(pixels: Uint8Array, { width, height }: Size): Uint8Array {
  const turned = new Uint8Array(pixels.length)
  const stride = 4 * width
  for (let y = 0; y < height; y++) turned.set(pixels.subarray(y * stride, (y + 1) * stride), (height - 1 - y) * stride)
  return turned
}
