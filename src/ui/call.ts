import type { Failure } from '../api/index.ts'
import type { Complaint } from '../errors/complaint.ts'
import { words } from './locale/index.ts'

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
    throw new CallError({ code: 'AWAY', ...words.call.away })
  })
  // A connection may also end within an answer.
  const text = await answer.text().catch(() => '')
  const found = parsed(text)
  if (!answer.ok || (found === undefined && answer.status !== 204)) throw new CallError(complaintIn(text))
  return found as T
}

/** What the API has against a call. What stands between it and this page may answer something else. */
export function complaintIn(text: string): Complaint {
  const found = parsed(text) as Partial<Failure> | null | undefined
  return found?.error ?? { code: 'AWAY', ...words.call.strange }
}

/** Undefined: it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
