/**
 * Coefficient planes as texels: what lies plane by plane in a message lies pixel by pixel in a texture.
 *
 * @param planes - float16 bits [count, pixels]: A4, b4; or A_R, A_G, A_B, A4, b_R, b_G, b_B, b4
 * @returns of 2 planes one texture of (A4, b4); of 8 two: (A_R, A_G, A_B, A4) and (b_R, b_G, b_B, b4)
 */
export function interleave(planes: Uint16Array, count: 2 | 8): Uint16Array[] {
  const pixels = planes.length / count
  const channels = Math.min(count, 4)
  return Array.from({ length: count / channels }, (_, texture) => {
    const texels = new Uint16Array(channels * pixels)
    for (let channel = 0; channel < channels; channel++) {
      const from = (channels * texture + channel) * pixels
      for (let pixel = 0; pixel < pixels; pixel++) texels[channels * pixel + channel] = planes[from + pixel]
    }
    return texels
  })
}
