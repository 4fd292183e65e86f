import type { Settings } from './schema.ts'

/** What runs the network: a value of the setting `provider`, with `auto` resolved. */
export type ProviderName = Extract<'cuda' | 'webgpu' | 'cpu', Settings['provider']>

/** All providers, in the order in which `auto` tries them. */
export const PROVIDER_NAMES: readonly ProviderName[] = ['cuda', 'webgpu', 'cpu']

/** How people call them. */
export const PROVIDER_TITLES: Readonly<Record<ProviderName, string>> = { cuda: 'CUDA', webgpu: 'WebGPU', cpu: 'CPU' }
