/** Levels per unit of alpha: the step of 0.1 of the published evaluations. */
const LEVELS = 10

/** A pixel counts as disconnected by the height that it rises above its level only from here on. */
const TOLERANCE = 0.15

/**
 * The levels' thresholds as float32, like the mattes: the 8-bit grays 51, 102, 153, 204 and 255 are tenths, and must
 * reach their own level.
 */
const THRESHOLDS = Float32Array.from({ length: LEVELS + 2 }, (_, level) =>
  level <= LEVELS ? level / LEVELS : Infinity,
)

/**
 * Conn: what floats free of the subject, or is torn out of it (Rhemann et al., "A perceptually motivated online
 * benchmark for image matting", CVPR 2009).
 *
 * For each level l = 0.1, 0.2 … 1, the source region is the largest connected component of the pixels where both
 * mattes are ≥ l. A pixel's level is the highest l up to which it lies in every source region (0 if in none). In each
 * matte a pixel is connected to the degree phi = 1 − d, d = alpha − level, where d < 0.15 counts as 0. The error is the
 * sum over pixels of the difference of the two phi, divided by 1000.
 *
 * The choices that this leaves open are those of the paper's evaluation: step 0.1, neighbours share a side (4), and of
 * two components of equal size the one that comes first row by row.
 *
 * @param width - of every frame, pixels
 * @param height - of every frame, pixels
 * @returns a function of prediction and truth (alpha, 0..1, [height · width]) that answers 0 or more
 */
export function createConn(width: number, height: number): (prediction: Float32Array, truth: Float32Array) => number {
  const pixels = width * height
  const reached = new Int8Array(pixels) // the highest level that both mattes reach
  const connected = new Int8Array(pixels) // the highest level up to which the pixel is in every source region
  const raiseLargestComponent = createComponentRaiser(width, height, reached, connected)

  return (prediction, truth) => {
    for (let i = 0; i < pixels; i++) {
      const lower = Math.min(prediction[i], truth[i])
      const level = Math.floor(lower * LEVELS)
      // 0.7 and 0.9 are a little less as float32, and fall short of their level by this multiplication.
      reached[i] = lower >= THRESHOLDS[level + 1] ? level + 1 : level
    }
    connected.fill(0)
    // Source regions of higher levels lie inside that of the level before, or wholly outside: then nothing is left.
    for (let level = 1; level <= LEVELS && raiseLargestComponent(level); level++);

    let sum = 0
    for (let i = 0; i < pixels; i++) {
      const level = connected[i] / LEVELS
      const predicted = prediction[i] - level
      const real = truth[i] - level
      sum += Math.abs((predicted >= TOLERANCE ? predicted : 0) - (real >= TOLERANCE ? real : 0))
    }
    return sum / 1000
  }
}

/**
 * Finds the largest 4-connected component of the pixels that reached a level, and raises those of its pixels to this
 * level that were connected up to the one before.
 *
 * Works on runs (stretches of such pixels within a row): mattes have few. Runs that touch in neighbouring rows are
 * joined in a forest whose roots are each component's first run.
 */
function createComponentRaiser(
  width: number,
  height: number,
  reached: Int8Array,
  connected: Int8Array,
): (level: number) => boolean {
  const most = height * Math.ceil(width / 2)
  const start = new Int32Array(most) // first pixel of a run
  const end = new Int32Array(most) // the pixel after its last one
  const parent = new Int32Array(most)
  const size = new Int32Array(most) // pixels of the component, at its root

  const root = (run: number): number => {
    while (parent[run] !== run) {
      parent[run] = parent[parent[run]]
      run = parent[run]
    }
    return run
  }

  const joinRuns = (level: number): number => {
    let runs = 0
    let above = 0 // the first run of the row above that may still touch one of this row
    for (let y = 0; y < height; y++) {
      const rowEnd = (y + 1) * width
      const firstOfRow = runs
      for (let i = y * width; i < rowEnd; i++) {
        if (reached[i] < level) continue
        const runStart = i
        while (i < rowEnd && reached[i] >= level) i++
        start[runs] = runStart
        end[runs] = i
        parent[runs] = runs

        while (above < firstOfRow && end[above] + width <= runStart) above++
        for (let other = above; other < firstOfRow && start[other] + width < i; other++) {
          const a = root(runs)
          const b = root(other)
          parent[Math.max(a, b)] = Math.min(a, b)
        }
        runs++
      }
      above = firstOfRow
    }
    return runs
  }

  return (level) => {
    const runs = joinRuns(level)
    let largest = 0
    size.fill(0, 0, runs)
    for (let run = 0; run < runs; run++) {
      // Parents come before their children, so one step leads to the root.
      parent[run] = parent[parent[run]]
      size[parent[run]] += end[run] - start[run]
    }
    for (let run = 1; run < runs; run++) if (size[run] > size[largest]) largest = run

    let raised = false
    for (let run = largest; run < runs; run++) {
      if (parent[run] !== largest) continue
      for (let i = start[run]; i < end[run]; i++) {
        if (connected[i] === level - 1) {
          connected[i] = level
          raised = true
        }
      }
    }
    return raised
  }
}
