import type { Complaint } from '../errors/complaint.ts'

/** An answer of the API that is none: what was found, and what to do. */
export class CallError extends Error {
  constructor(readonly complaint: Complaint) {
    super(complaint.message)
  }
}

/** Calls the panel's API. @throws {CallError} */
export async function call<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(path, {
    method,
    // No other page's form or link can send this header.
    headers: { 'X-Mattebox': '1', ...(body !== undefined && { 'Content-Type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new CallError({ code: 'AWAY', message: 'mattebox does not answer.', mend: 'Start it: `npx mattebox start`.' })
  })
  const found: unknown = answer.status === 204 ? undefined : await answer.json()
  if (!answer.ok) throw new CallError((found as { error: Complaint }).error)
  return found as T
}
