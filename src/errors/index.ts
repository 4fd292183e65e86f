export { ERROR_CODES, type ErrorCode } from './codes.ts'
export type { Complaint } from './complaint.ts'
export { MatteboxError } from './mattebox-error.ts'
