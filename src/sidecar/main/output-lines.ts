/** Characters of a line that are kept. */
const LINE_MAX = 2000

/**
 * What a process writes, as lines, bounded: a driver that complains at every frame must not fill the disk. Pure: times
 * are handed in.
 */
export class OutputLines {
  #rest = ''
  #window = 0
  #count = 0
  #dropped = 0

  constructor(
    /** Lines that are let through in each window. */
    readonly linesMax = 100,
    readonly windowMs = 10_000,
  ) {}

  /** Takes a piece and answers the lines that are whole now. */
  take(text: string, now: number): string[] {
    const pieces = (this.#rest + text).split(/\r?\n/)
    // A line without end is cut where it has become too long to keep.
    this.#rest = pieces.pop()!.slice(0, LINE_MAX)
    return pieces.flatMap((line) => this.#let(line, now))
  }

  /** The process has ended: what is left is a line too. */
  end(now: number): string[] {
    const rest = this.#rest
    this.#rest = ''
    const left = this.#dropped > 0 ? [this.#swallowed()] : []
    return [...this.#let(rest, now), ...left]
  }

  #let(line: string, now: number): string[] {
    if (line.trim() === '') return []
    const said: string[] = []
    if (now - this.#window >= this.windowMs) {
      if (this.#dropped > 0) said.push(this.#swallowed())
      this.#window = now
      this.#count = 0
    }
    if (this.#count >= this.linesMax) {
      this.#dropped++
      return said
    }
    this.#count++
    return [...said, line.slice(0, LINE_MAX)]
  }

  #swallowed(): string {
    const text = `(${this.#dropped} more lines)`
    this.#dropped = 0
    return text
  }
}
