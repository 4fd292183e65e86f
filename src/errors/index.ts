export { ERROR_CODES, type ErrorCode } from './codes.ts'
export { MatteboxError } from './mattebox-error.ts'
