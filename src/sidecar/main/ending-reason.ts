import type { Complaint, ErrorCode } from '../../errors/index.ts'
import { PROVIDER_TITLES, type ProviderName } from '../../settings/index.ts'
import type { InferenceChild, Ending } from './inference-child.ts'

/** What ended a process and what to do, where it did not say so itself; `provider` ran the network at that time. */
export function endingReason(ending: Ending, provider: ProviderName | undefined): Complaint {
  if (ending.said) return ending.said.error
  const code: ErrorCode = provider ? 'PROVIDER_FAILED' : 'INFERENCE_ENDED'
  const during = provider ? ` while ${PROVIDER_TITLES[provider]} ran the network` : ''
  const mend =
    provider && provider !== 'cpu'
      ? 'It is started again. If that repeats, update the driver of the GPU, or choose another provider with --provider.'
      : 'It is started again. If that repeats, see `mattebox doctor` and the log.'
  return { code, message: `The inference process ${howItEnded(ending)}${during}.`, mend }
}

/** Whether this end is the provider's fault rather than a wish or a fault of ours. */
export function failedProvider(child: InferenceChild, ending: Ending): ProviderName | undefined {
  if (ending.said?.kind === 'failed') return ending.said.provider
  if (ending.said?.kind === 'unable' || child.engine.state !== 'ready') return undefined
  return ending.code === 0 ? undefined : child.engine.provider
}

function howItEnded({ code, signal, silentMs }: Ending): string {
  if (silentMs !== undefined) return `hung for ${Math.round(silentMs / 1000)} s and was ended`
  if (signal === 'SIGKILL') return 'was killed (SIGKILL: by hand, or for want of memory)'
  if (signal !== null) return `was ended by ${signal}`
  return code === null ? 'could not be started' : `ended with exit code ${code}`
}
