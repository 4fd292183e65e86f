import { state } from '../live.ts'
import { words } from '../locale/index.ts'
import { linkTo } from '../pages.ts'
import { Card, CommandLine, Notice } from '../parts/index.ts'
import { ConnectionCard } from './connection.tsx'
import { obsCount, obsProcesses, showsRoom, warningsOf } from './findings.ts'
import { ProcessesCard } from './processes.tsx'
import { SourcesCard } from './sources.tsx'
import './style.css'

const INSTALL = 'mattebox obs install'

/** OBS from outside: whether it is reached, and which sources have the filter. */
export function ObsPage() {
  const now = state.value
  if (!now) return <h1>{words.pages.obs}</h1>
  const { obs } = now
  const processes = obsProcesses(now)
  const elsewhere = processes.filter(({ isReached }) => !isReached)
  const doubles = warningsOf(obs).filter((warning) => !showsRoom(warning))
  return (
    <section class="obs">
      <h1>{words.pages.obs}</h1>
      {doubles.map(({ kind, source, filter }) => (
        <Notice key={source} kind="warning" complaint={words.obs.warnings[kind](source, filter)} />
      ))}
      {obsCount(processes, obs) > 1 && <Notice kind="info" complaint={words.obs.several} />}
      <div class="columns">
        <ConnectionCard obs={obs} />
        <PluginCard hasPlugin={obs.hasPlugin ?? (processes.length > 0 ? true : null)} />
      </div>
      {obs.sources && <SourcesCard obs={obs} sources={now.sources} />}
      {elsewhere.length > 0 && <ProcessesCard processes={elsewhere} isConnected={obs.state === 'connected'} />}
      <DockCard />
    </section>
  )
}

function PluginCard({ hasPlugin }: { readonly hasPlugin: boolean | null }) {
  const said = words.obs.plugin
  if (hasPlugin === true) {
    return (
      <Card title={said.title} aside={<span class="state state-good">{said.installed}</span>}>
        <p class="muted">{said.installedAbout}</p>
      </Card>
    )
  }
  return (
    <Card
      title={said.title}
      aside={
        hasPlugin === false ? (
          <span class="state state-bad">{said.missing}</span>
        ) : (
          <span class="state">{said.unknown}</span>
        )
      }
    >
      <p>{hasPlugin === false ? said.missingAbout : said.unknownAbout}</p>
      <CommandLine text={INSTALL} />
      <p class="muted">{said.restart}</p>
    </Card>
  )
}

function DockCard() {
  const said = words.obs.dock
  return (
    <Card title={said.title}>
      <ol>
        <li>
          {said.install}
          <CommandLine text={INSTALL} />
        </li>
        <li>{said.open}</li>
        <li>{said.fill}</li>
      </ol>
      <p class="muted">
        {said.noCamera} <a href={linkTo('try')}>{words.pages.try}</a>
      </p>
    </Card>
  )
}
