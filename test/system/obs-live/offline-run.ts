/**
 * The same run made again offline: the frames that the inference process recorded are stepped once more, and their
 * planes are put on the clip's frames in full resolution by ONNX, where the filter does so by its shader.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FullResolutionSession } from '../../../src/sidecar/inference/full-resolution-session.ts'
import type { RecordedFrame } from '../../../src/sidecar/inference/frame-record.ts'
import { MattingSession } from '../../../src/sidecar/inference/matting-session.ts'
import { NetworkPool, type NetworkKey } from '../../../src/sidecar/inference/network-pool.ts'
import { loadWeights } from '../../../src/model/weights/index.ts'
import { HEIGHT, WIDTH, type MovingClip } from './moving-clip.ts'

/** Frames that were stepped one after the other for one filter, by one process, without a gap in its memory. */
export interface Recording {
  readonly frames: readonly RecordedFrame[]
  /** Where their pixels are. */
  readonly path: string
}

/** A frame that was stepped again. */
export interface OfflineFrame {
  readonly recorded: RecordedFrame
  /** Of the clip. */
  readonly place: number
  /** Mean difference of what the network saw from the clip's frame made small, 0..255. */
  readonly difference: number
  /** uint8 [360, 640]. */
  readonly alpha: Uint8Array
  /** The alpha where this frame's coefficients are put on the picture of the frame that was recorded before it. */
  readonly alphaOnLast: Uint8Array | undefined
}

/**
 * What a record holds by now, in the order in which it was filmed. Lines whose pixels are not yet written are left out.
 * A filter that is made anew, as with a scene collection, counts its frames anew: that is another recording.
 */
export function readRecord(folder: string): Recording[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
  const recordings = names.flatMap((name) => {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)
    const path = join(folder, name.replace(/jsonl$/, 'bgra'))
    const { size } = statSync(path)
    const frames = lines.map((line) => JSON.parse(line) as RecordedFrame)
    const whole = frames.filter(({ offset, width, height }) => offset + width * height * 4 <= size)
    const beginnings = whole.flatMap(({ id }, n) => (n === 0 || id <= whole[n - 1].id ? [n] : []))
    return beginnings.map((begin, n) => ({ frames: whole.slice(begin, beginnings[n + 1]), path }))
  })
  return recordings.sort((one, other) => one.frames[0].timestampNs - other.frames[0].timestampNs)
}

/** The recordings of the filter that was made last: ids go on from one to the next. */
export function ofLastFilter(recordings: readonly Recording[]): readonly Recording[] {
  const begin = recordings.findLastIndex(
    ({ frames }, n) => n === 0 || frames[0].id <= recordings[n - 1].frames.at(-1)!.id,
  )
  return recordings.slice(Math.max(0, begin))
}

/** Waits until a record holds this frame of the filter that was made last. */
export async function recorded(folder: string, id: number): Promise<readonly Recording[]> {
  for (let tries = 0; tries < 50; tries++) {
    const found = ofLastFilter(readRecord(folder))
    if (found.some(({ frames }) => frames.at(-1)!.id >= id)) return found
    await sleep(200)
  }
  throw new Error(`Frame ${id} was not recorded`)
}

/**
 * Steps recordings again: the same networks, resets where there were resets, fresh states where a process or a network
 * was another one.
 *
 * @param from - frames before this id are stepped only where later ones remember them
 * @returns by frame id
 */
export async function runOffline(
  recordings: readonly Recording[],
  clip: MovingClip,
  model: string,
  from = 0,
): Promise<ReadonlyMap<number, OfflineFrame>> {
  const { weights } = await loadWeights(model)
  const options = { weights: () => weights, provider: 'cpu', threads: 2 } as const
  const networks = new NetworkPool(options, 16)
  const fullResolution = new Map<string, Promise<FullResolutionSession>>()
  const out = new Map<number, OfflineFrame>()

  const apply = async (place: number, planes: Float32Array, key: NetworkKey): Promise<Uint8Array> => {
    const text = `${key.width}x${key.height} ${key.planes}`
    const sizes = { height: HEIGHT, width: WIDTH, lowHeight: key.height, lowWidth: key.width }
    const session =
      fullResolution.get(text) ?? FullResolutionSession.create({ ...sizes, planes: key.planes, output: 'alpha' })
    fullResolution.set(text, session)
    return Uint8Array.from(await (await session).apply(clip.frames[place], planes))
  }

  for (const { frames, path } of recordings) {
    const pixels = readFileSync(path)
    let session: MattingSession | undefined
    let last: { readonly recorded: RecordedFrame; readonly place: number } | undefined
    for (const frame of frames.slice(beginningFor(frames, from))) {
      const { width, height, offset, refiner, planes, reset } = frame
      if (session === undefined || last === undefined || !isSameNetwork(frame, last.recorded)) {
        await session?.[Symbol.asyncDispose]()
        session = new MattingSession({ ...options, refiner, planes, cutDetection: false }, networks)
      }
      if (reset !== null) session.reset(reset)
      const data = pixels.subarray(offset, offset + width * height * 4)
      const { planes: coefficients } = await session.step({ data, width, height })
      const { place, difference } = clip.find(data, width, height)
      out.set(frame.id, {
        ...{ recorded: frame, place, difference },
        alpha: await apply(place, coefficients, frame),
        alphaOnLast: last && (await apply(last.place, coefficients, frame)),
      })
      last = { recorded: frame, place }
    }
    await session?.[Symbol.asyncDispose]()
  }
  for (const session of fullResolution.values()) await (await session)[Symbol.asyncDispose]()
  return out
}

/** Where to begin so that nothing is missing from what the frame `from` remembers. */
function beginningFor(frames: readonly RecordedFrame[], from: number): number {
  const found = frames.findLastIndex(
    (frame, n) => frame.id <= from && (frame.reset !== null || (n > 0 && !isSameNetwork(frame, frames[n - 1]))),
  )
  return Math.max(0, found)
}

function isSameNetwork(one: NetworkKey, other: NetworkKey): boolean {
  const text = ({ width, height, refiner, planes }: NetworkKey): string => `${width}x${height} ${refiner} ${planes}`
  return text(one) === text(other)
}
