/** A public file that mattebox fetches: where it is, and what tells the right one from any other. */
export interface PublicFile {
  /** Name under which it is kept. */
  readonly file: string
  readonly address: string
  readonly bytes: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}
