import { Tensor, type InferenceSession } from 'onnxruntime-common'
import { createSession } from './runtime.ts'

/**
 * The official release's graph (`rvm_mobilenetv3_fp32.onnx`) as it is, with its states carried: what ours is measured
 * against. It takes the full frame and shrinks, refines and upsamples inside.
 */
export class OfficialSession implements AsyncDisposable {
  #states: readonly Tensor[] = [1, 2, 3, 4].map(() => new Tensor('float32', new Float32Array(1), [1, 1, 1, 1]))

  private constructor(private readonly session: InferenceSession) {}

  /** @param spinning - whether idle threads of the runtime spin */
  static async create(model: Uint8Array, threads: number, spinning: boolean): Promise<OfficialSession> {
    return new OfficialSession(await createSession(model, { provider: 'cpu', threads, spinning }))
  }

  /**
   * @param source - float32 [3, height, width], RGB in 0..1
   * @returns alpha, float32 [height, width]
   */
  async step(source: Float32Array, width: number, height: number, ratio: number): Promise<Float32Array> {
    const [r1i, r2i, r3i, r4i] = this.#states
    const out = await this.session.run({
      src: new Tensor('float32', source, [1, 3, height, width]),
      downsample_ratio: new Tensor('float32', Float32Array.of(ratio), [1]),
      ...{ r1i: r1i, r2i: r2i, r3i: r3i, r4i: r4i },
    })
    this.#states = ['r1o', 'r2o', 'r3o', 'r4o'].map((name) => out[name])
    return out['pha'].data as Float32Array
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.release()
  }
}
