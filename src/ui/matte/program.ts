import { VERTEX } from './shaders.ts'

/** A pass over all pixels of its target. */
export interface Program {
  /** Makes it the one in use. */
  use(): void
  /** Sets a uniform of the program in use; one that it does not have is left out. */
  set(name: string, ...values: number[]): void
  /** The texture that a sampler of the program in use reads. */
  sample(name: string, texture: WebGLTexture): void
}

/**
 * @param defines - what is known at build time
 * @throws {Error} with the driver's words, if it does not build
 */
export function buildProgram(
  gl: WebGL2RenderingContext,
  fragment: string,
  defines: Readonly<Record<string, number>>,
): Program {
  const head = Object.entries({ PLANES: 2, HAS_MATTE: 0, ...defines }).map(
    ([name, value]) => `#define ${name} ${value}`,
  )
  const program = gl.createProgram()
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(type)
    // A lost context gives none; it is built anew when it comes back.
    if (!shader) continue
    gl.shaderSource(shader, ['#version 300 es', ...head, source].join('\n'))
    gl.compileShader(shader)
    gl.attachShader(program, shader)
    gl.deleteShader(shader)
  }
  gl.linkProgram(program)
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    const shaders = gl.getAttachedShaders(program) ?? []
    throw new Error([...shaders.map((shader) => gl.getShaderInfoLog(shader)), gl.getProgramInfoLog(program)].join('\n'))
  }

  const places = new Map<string, WebGLUniformLocation | null>()
  const placeOf = (name: string): WebGLUniformLocation | null => {
    const known = places.get(name)
    if (known !== undefined) return known
    const place = gl.getUniformLocation(program, name)
    places.set(name, place)
    return place
  }
  const units: string[] = []
  return {
    use: () => gl.useProgram(program),
    set: (name, ...values) => {
      const place = placeOf(name)
      if (values.length === 1) gl.uniform1f(place, values[0])
      else if (values.length === 2) gl.uniform2fv(place, values)
      else gl.uniform3fv(place, values)
    },
    sample: (name, texture) => {
      const place = placeOf(name)
      if (place === null) return
      if (!units.includes(name)) units.push(name)
      const unit = units.indexOf(name)
      gl.activeTexture(gl.TEXTURE0 + unit)
      gl.bindTexture(gl.TEXTURE_2D, texture)
      gl.uniform1i(place, unit)
    },
  }
}
