export { EngineSettings, FilterSettings, Settings, type Region } from './schema.ts'
export { PROVIDER_NAMES, PROVIDER_TITLES, type ProviderName } from './provider-name.ts'
