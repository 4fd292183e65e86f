import { useState } from 'preact/hooks'
import type { ObsView } from '../../api/index.ts'
import { call } from '../call.ts'
import { words } from '../locale/index.ts'
import { Card, Figure, Figures, Notice, Sentence, TextField, useCall } from '../parts/index.ts'

/** How OBS's own WebSocket is doing, and what to do where it is not connected. */
export function ConnectionCard({ obs }: { readonly obs: ObsView }) {
  const said = words.obs.connection
  const isConnected = obs.state === 'connected'
  return (
    <Card title={said.title} aside={<ConnectionState state={obs.state} />}>
      {isConnected ? (
        <Figures>
          <Figure label={said.version} value={obs.version} />
          <Figure label={said.webSocketVersion} value={obs.webSocketVersion} />
          <Figure label={said.programScene} value={obs.programScene} />
          <Figure label={said.address} value={place(obs)} />
        </Figures>
      ) : (
        <>
          <Remedy obs={obs} />
          <p class="muted">{said.withoutIt}</p>
        </>
      )}
    </Card>
  )
}

function ConnectionState({ state }: Pick<ObsView, 'state'>) {
  const looks = { connected: 'state-good', connecting: '', off: 'state-warn', password: 'state-warn', away: '' }[state]
  return (
    <span class={`state ${looks}`} role="status" aria-busy={state === 'connecting' || undefined}>
      {words.obs.connection.states[state]}
    </span>
  )
}

/** Host and port. */
function place({ address }: ObsView): string {
  return address.replace(/^\w+:\/\//, '')
}

function Remedy({ obs }: { readonly obs: ObsView }) {
  const said = words.obs.connection
  if (obs.state === 'connecting') return <p>{said.looking(place(obs))}</p>
  if (obs.state === 'off') {
    return (
      <>
        <p>{said.off}</p>
        <ol>
          {said.offSteps.map((step) => (
            <li key={step}>
              <Sentence text={step} />
            </li>
          ))}
        </ol>
        <p class="muted">{said.byItself}</p>
      </>
    )
  }
  return (
    <>
      {obs.error && (
        <p>
          <strong>{obs.error.message}</strong> <Sentence text={obs.error.mend} />
        </p>
      )}
      {obs.state === 'password' ? (
        <LoginForm obs={obs} />
      ) : (
        <details>
          <summary>{said.otherPort}</summary>
          <LoginForm obs={obs} withPort />
        </details>
      )}
    </>
  )
}

function LoginForm({ obs, withPort = false }: { readonly obs: ObsView; readonly withPort?: boolean }) {
  const said = words.obs.connection
  const [password, setPassword] = useState('')
  const [port, setPort] = useState(place(obs).split(':').at(-1)!)
  const { isBusy, error, run } = useCall()
  const login = () =>
    run(() =>
      call('POST', '/api/obs/login', {
        ...(withPort && { port: Number(port) }),
        ...((!withPort || password !== '') && { password }),
      }),
    )
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!isBusy) void login()
      }}
    >
      {withPort && <TextField title={said.port} type="number" value={port} onInput={setPort} />}
      <TextField
        title={withPort ? said.passwordIfAny : said.password}
        description={said.passwordAbout}
        type="password"
        maxLength={512}
        value={password}
        onInput={setPassword}
      />
      {error && <Notice complaint={error} isLive />}
      <button type="submit" aria-busy={isBusy || undefined}>
        {said.connect}
      </button>
    </form>
  )
}
