import { describe, expect, it } from 'vitest'
import { complaintIn } from '../../src/ui/call.ts'
import { words } from '../../src/ui/locale/index.ts'

// Seen red: with `JSON.parse` alone, whose complaint about a `<` was shown.
describe('what the API has against a call', () => {
  it('is said in its own words', () => {
    const error = { code: 'NAME_TAKEN', message: 'There is one.', mend: 'Choose another.' }
    expect(complaintIn(JSON.stringify({ error }))).toEqual(error)
  })

  it.each(['<h1>502 Bad Gateway</h1>', '', 'null', '{}', '{"error":'])(
    'is made up where another answered: %s',
    (text) => {
      expect(complaintIn(text)).toEqual({ code: 'AWAY', ...words.call.strange })
    },
  )
})
