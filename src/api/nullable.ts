import { Type, type TSchema } from 'typebox'

/** This, or null. */
export const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])
