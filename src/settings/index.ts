export { FilterSettings, Settings, type Region } from './schema.ts'
