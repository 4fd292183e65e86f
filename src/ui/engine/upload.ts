import type { Complaint } from '../../errors/complaint.ts'
import { CallError, complaintIn } from '../call.ts'
import { words } from '../locale/index.ts'

export interface Upload {
  /** Resolves when it is taken. @throws {CallError} */
  readonly done: Promise<void>
  readonly abort: () => void
}

/**
 * Sends a file as it is read from the disk. `fetch` does not tell how far it has come.
 *
 * @param onProgress - share that has gone out, 0..1
 */
export function upload(path: string, file: Blob, onProgress: (share: number) => void): Upload {
  const request = new XMLHttpRequest()
  const done = new Promise<void>((resolve, reject) => {
    const fail = (complaint: Complaint) => reject(new CallError(complaint))
    request.upload.onprogress = ({ loaded }) => onProgress(file.size === 0 ? 1 : loaded / file.size)
    request.onload = () => {
      if (request.status < 400) resolve()
      else fail(complaintIn(request.responseText))
    }
    request.onerror = () => fail({ code: 'AWAY', ...words.engine.import.broken })
    request.onabort = () => fail({ code: 'INTERRUPTED', ...words.engine.import.stopped })
  })
  request.open('POST', path)
  request.setRequestHeader('X-Mattebox', '1')
  request.setRequestHeader('Content-Type', 'application/octet-stream')
  request.send(file)
  return { done, abort: () => request.abort() }
}
