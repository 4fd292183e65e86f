/** A named parameter of the network: row-major float32, whatever precision its file had. */
export interface Tensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/**
 * The network's parameters under the published state-dict names, BatchNorm folded (`X.weight` OIHW, `X.bias`),
 * in the published GRU convention (gates ordered r, z; z admits the new value).
 */
export type Weights = ReadonlyMap<string, Tensor>
