import { Type, type Static } from 'typebox'

/** What a user can act on: what was found, and what to do. Every answer of 400 and more holds one as `error`. */
export const ComplaintView = Type.Object({
  code: Type.String({ description: 'Stable; docs/errors.md lists them.' }),
  message: Type.String(),
  mend: Type.String(),
})

export const Failure = Type.Object({
  error: Type.Object({
    ...ComplaintView.properties,
    field: Type.Optional(Type.String({ description: 'JSON pointer of the field that is wrong.' })),
  }),
})
export type Failure = Static<typeof Failure>
