import { describe, expect, it } from 'vitest'
import { csv } from '../../../src/ui/figures/csv.ts'

// Seen red without the quotes, and without the apostrophe.
describe('figures as CSV', () => {
  it('are a row of heads and a row a sample; what is not known is empty', () => {
    const text = csv([
      { head: 'time', values: ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.000Z'] },
      { head: 'ms', values: [12.34567, null] },
    ])
    expect(text).toBe('time,ms\r\n2026-01-01T00:00:00.000Z,12.346\r\n2026-01-01T00:00:01.000Z,\r\n')
  })

  it('keep a name whole, whatever is in it', () => {
    expect(csv([{ head: 'Cam "left", high\nup', values: [1] }])).toBe('"Cam ""left"", high\nup"\r\n1\r\n')
  })

  it('never begin a cell of text as a formula', () => {
    const heads = ['=1+1', '+1', '-1', '@SUM(A1)'].map((head) => ({ head, values: [-1] }))
    expect(csv(heads)).toBe("'=1+1,'+1,'-1,'@SUM(A1)\r\n-1,-1,-1,-1\r\n")
  })

  it('are nothing but a line end where there is nothing', () => {
    expect(csv([])).toBe('\r\n')
  })
})
