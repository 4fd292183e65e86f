import type { IncomingMessage } from 'node:http'
import { MatteboxError, type ErrorCode } from '../../errors/index.ts'
import { REPORT_IT } from '../main/log.ts'
import { Refusal } from './refusal.ts'

/**
 * The HTTP status of an error. 4xx: the asker can mend it (409: not as things are now); 503 and 504: later; 500, and so whatever has
 * no row: this machine's disk, or a fault of ours.
 */
const STATUS: Partial<Record<ErrorCode, number>> = {
  USAGE: 400,
  REQUEST_INVALID: 400,
  PANEL_STRANGER: 401,
  PANEL_FOREIGN: 403,
  MODEL_UNKNOWN: 404,
  NOT_KEPT: 404,
  OBS_FILTER_NONE: 404,
  OBS_SOURCE_NONE: 404,
  REQUEST_UNKNOWN: 404,
  SOURCE_UNKNOWN: 404,
  REQUEST_METHOD: 405,
  AMBIGUOUS: 409,
  DOWNLOAD_BUSY: 409,
  KEPT_FULL: 409,
  MODEL_IN_USE: 409,
  MODEL_NONE: 409,
  MODEL_SHIPPED: 409,
  OBS_AWAY: 409,
  OBS_FILTER_FOREIGN: 409,
  OBS_PASSWORD: 409,
  OBS_PLUGIN_NONE: 409,
  OBS_REFUSED: 409,
  OBS_WEBSOCKET_OFF: 409,
  OUTPUT_EXISTS: 409,
  SOURCE_AWAY: 409,
  REQUEST_LARGE: 413,
  REQUEST_TYPE: 415,
  MODEL_DAMAGED: 422,
  MODEL_TENSORS: 422,
  MODEL_UNREADABLE: 422,
  SETTINGS_INVALID: 422,
  REQUEST_MANY: 429,
  PANEL_FULL: 503,
  OBS_SILENT: 504,
}

/** What is answered where something was thrown. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof MatteboxError) {
    return new Refusal(STATUS[error.code] ?? 500, error.code, error.message, error.mend)
  }
  return requestFault(error) ?? new Refusal(500, 'PANEL_FAULT', 'mattebox made a mistake.', REPORT_IT)
}

/** Says of an error of this code that a field of the request's body names what is not there. For `catch`. */
export function asFault(code: ErrorCode, field: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof MatteboxError) || error.code !== code) throw error
    throw new Refusal(422, code, error.message, error.mend, { field })
  }
}

/** What Express and its parser of bodies found wrong with a request. */
function requestFault(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined
  const { status, type } = error as Error & { status?: unknown; type?: unknown }
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined
  const invalid = (message: string, mend: string): Refusal =>
    new Refusal(400, 'REQUEST_INVALID', message, mend, { field: '' })
  if (error instanceof URIError) {
    return invalid(
      'The request’s address has a % that encodes no UTF-8.',
      'Encode names as UTF-8, and % itself as %25.',
    )
  }
  switch (type) {
    case 'entity.too.large':
      return new Refusal(413, 'REQUEST_LARGE', 'The request’s body is larger than 1 MiB.', 'Send less.')
    case 'encoding.unsupported':
      return new Refusal(415, 'REQUEST_TYPE', 'The request’s body is compressed.', PLAIN_JSON)
    case 'charset.unsupported':
      return new Refusal(415, 'REQUEST_TYPE', 'The request’s body is in another charset than UTF-8.', PLAIN_JSON)
    case 'entity.parse.failed':
      return invalid('The request’s body is not JSON.', PLAIN_JSON)
    case 'request.size.invalid':
      return invalid('The request’s body is of another length than it says.', 'Send its length in bytes.')
    default:
      return invalid(`The request is malformed: ${error.message}.`, 'Mend the request.')
  }
}

const PLAIN_JSON = 'Send plain JSON in UTF-8.'

/** Codes of a body that ended before its end: Node's stream has the first two, the parser of JSON the last. */
const BROKEN_OFF = ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNABORTED']

/** Whether the asker broke the request off: he hears no answer, and nothing is at fault. */
export function isBrokenOff(error: unknown, request: IncomingMessage): boolean {
  if (!request.destroyed || request.complete || !(error instanceof Error)) return false
  return BROKEN_OFF.includes((error as NodeJS.ErrnoException).code ?? '')
}
