/** What of this machine is looked at; tests hand in folders of their own. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  /** Where snapd keeps what it installed. */
  readonly snapFolder: string
  /** The kernel's list of processes. */
  readonly procFolder: string
}

export function thisMachine(): Surroundings {
  return { env: process.env, snapFolder: '/snap', procFolder: '/proc' }
}
