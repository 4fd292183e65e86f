/** A side of a tensor: a number, or a symbol with an optional divisor such as `height/4`, for export. */
export type Dim = number | string
export type Shape = readonly Dim[]

/** Product of `dim` and the rational number `numerator / denominator`; a number must come out whole. */
export function scaleDim(dim: Dim, numerator: number, denominator: number): Dim {
  if (typeof dim === 'number') {
    const scaled = (dim * numerator) / denominator
    if (!Number.isInteger(scaled)) throw new RangeError(`${dim} · ${numerator}/${denominator} is no whole number`)
    return scaled
  }
  const [symbol, divisor = '1'] = dim.split('/') as [string, string?]
  const whole = (Number(divisor) * denominator) / numerator
  if (!Number.isInteger(whole)) throw new RangeError(`${dim} · ${numerator}/${denominator} has no name`)
  return whole === 1 ? symbol : `${symbol}/${whole}`
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis])
}

/** Shape of an element-wise operation: sides are equal, or one of them is 1 (ONNX's multidirectional broadcast). */
export function broadcastShape(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length)
  const shape: Dim[] = []
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1
    const right = b[axis - rank + b.length] ?? 1
    if (left !== right && left !== 1 && right !== 1) return undefined
    shape.push(left === 1 ? right : left)
  }
  return shape
}
