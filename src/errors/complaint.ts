/** What a user can act on, as it is shown and goes to other processes: what was found, and what to do. */
export interface Complaint<Code extends string = string> {
  readonly code: Code
  readonly message: string
  readonly mend: string
}
