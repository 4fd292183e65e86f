import { TensorProto_DataLocation, TensorProto_DataType, type TensorProto } from 'onnx-buf'
import { widenHalf } from './half-float.ts'

/** As numbers, which is how a tensor states its type. */
const FLOAT: number = TensorProto_DataType.FLOAT
const FLOAT16: number = TensorProto_DataType.FLOAT16

/** Shape of an ONNX tensor; a dimension that is no size becomes NaN, which equals no size. */
export function tensorShape(tensor: TensorProto): number[] {
  return tensor.dims.map((side) => (side >= 0n && side <= Number.MAX_SAFE_INTEGER ? Number(side) : NaN))
}

export function isExternal(tensor: TensorProto): boolean {
  return tensor.dataLocation === TensorProto_DataLocation.EXTERNAL || tensor.externalData.length > 0
}

/**
 * Values of a FLOAT or FLOAT16 tensor, from raw bytes or from the typed list.
 *
 * @param count - how many its shape wants
 * @returns the values, or what is wrong with them
 */
export function tensorValues(tensor: TensorProto, count: number): Float32Array | string {
  const raw = tensor.rawData
  // Copied: raw data is a view into the file that may begin at an odd byte, where no typed array can.
  const copy = () => new Uint8Array(raw).buffer
  switch (tensor.dataType) {
    case FLOAT:
      if (raw.length === 4 * count) return new Float32Array(copy())
      if (raw.length === 0 && tensor.floatData.length === count) return Float32Array.from(tensor.floatData)
      break
    case FLOAT16:
      if (raw.length === 2 * count) return widenHalf(new Uint16Array(copy()))
      // The list of 32-bit integers holds one half's bits each.
      if (raw.length === 0 && tensor.int32Data.length === count) return widenHalf(Uint16Array.from(tensor.int32Data))
      break
    default:
      return `is of ONNX type ${TensorProto_DataType[tensor.dataType] ?? tensor.dataType}, FLOAT or FLOAT16 is wanted`
  }
  return `has data for another number of elements than its ${count}`
}
