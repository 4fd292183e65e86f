/** sRGB's transfer function: OBS blends in linear light, pictures are gamma-encoded. */

/** 0..1 gamma-encoded to linear light. */
export function toLight(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
}

/** Linear light to 0..1 gamma-encoded. */
export function fromLight(light: number): number {
  return light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055
}
