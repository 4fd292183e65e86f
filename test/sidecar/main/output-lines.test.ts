import { describe, expect, it } from 'vitest'
import { OutputLines } from '../../../src/sidecar/main/output-lines.ts'

describe('what a process writes', () => {
  it('becomes lines, however it was cut', () => {
    const lines = new OutputLines()
    expect(lines.take('one\ntw', 0)).toEqual(['one'])
    expect(lines.take('o\r\n\nthree', 1)).toEqual(['two'])
    expect(lines.end(2)).toEqual(['three'])
  })

  it('is bounded, in a line and in lines', () => {
    const lines = new OutputLines(3, 1000)
    expect(lines.take('x'.repeat(1_000_000), 2000)).toEqual([])
    expect(lines.take('y\n', 2000)[0].length).toBeLessThanOrEqual(2000)
    expect(lines.take('a\nb\nc\nd\ne\n', 2001)).toEqual(['a', 'b'])
    expect(lines.take('f\n', 3500)).toEqual(['(3 more lines)', 'f'])
    expect(lines.end(3501)).toEqual([])
  })

  it('that was swallowed is counted at the end', () => {
    const lines = new OutputLines(1, 1000)
    lines.take('a\nb\n', 2000)
    expect(lines.end(2001)).toEqual(['(1 more lines)'])
  })
})
