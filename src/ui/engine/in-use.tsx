import type { EngineView, PanelState } from '../../api/index.ts'
import type { Complaint } from '../../errors/complaint.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { providerName } from '../locale/names.ts'
import { Busy, Card, Figure, Figures, Notice, Sentence, useCall } from '../parts/index.ts'

interface EngineInUseProps {
  readonly engine: EngineView
  readonly refused: PanelState['refused']
}

/** What runs now, and why what would be better does not. */
export function EngineInUse({ engine, refused }: EngineInUseProps) {
  const said = words.engine.inUse
  const { state, provider, device, model, passedOver, failed, restarts } = engine
  const looks = { starting: '', ready: 'state-good', none: 'state-bad' }[state]
  // A provider that failed is said once, where it can be tried again.
  const better = passedOver.filter((one) => !failed.some((other) => other.provider === one.provider))
  return (
    <Card
      title={said.title}
      aside={
        <span class={`state ${looks}`} role="status" aria-busy={state === 'starting' || undefined}>
          {said.states[state]}
        </span>
      }
    >
      <Figures>
        <Figure label={said.provider} value={provider && providerName(provider)} />
        <Figure label={said.device} value={device} />
        <Figure label={said.model} value={model} />
        <Figure label={said.restarts} value={restarts} />
      </Figures>
      {failed.length > 0 && <Failed failed={failed} />}
      {better.length > 0 && (
        <>
          <h3 class="engine-heading">{said.passedOver}</h3>
          <Reasons reasons={better} />
        </>
      )}
      {refused && (
        <>
          <h3 class="engine-heading">{said.refused}</h3>
          <p class="engine-reason">
            <Sentence text={refused.message} /> <Sentence text={refused.mend} />
          </p>
        </>
      )}
    </Card>
  )
}

function Failed({ failed }: Pick<EngineView, 'failed'>) {
  const said = words.engine.inUse
  const { isBusy, error, run } = useCall()
  return (
    <>
      <h3 class="engine-heading">{said.failed}</h3>
      <Reasons reasons={failed} />
      {error && <Notice complaint={error} isLive />}
      <Busy isBusy={isBusy} kind="secondary outline" onClick={() => void run(() => call('POST', '/api/engine/retry'))}>
        {said.retry}
      </Busy>
    </>
  )
}

interface ReasonsProps {
  readonly reasons: readonly { readonly provider: string; readonly reason: Complaint }[]
}

function Reasons({ reasons }: ReasonsProps) {
  return (
    <dl class="engine-reasons">
      {reasons.map(({ provider, reason }) => (
        <div key={provider} class="engine-reason">
          <dt>{providerName(provider)}</dt>
          <dd>
            <Sentence text={reason.message} /> <Sentence text={reason.mend} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
