import { en } from './en.ts'

/** The sentences in use; another language is another file of the same shape. */
export const words = en
