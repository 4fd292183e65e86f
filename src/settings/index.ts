export { Settings } from './schema.ts'
