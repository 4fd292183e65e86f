import type { ComponentType } from 'preact'
import { EnginePage } from './engine/page.tsx'
import { FiguresPage } from './figures/page.tsx'
import { isConnected, state } from './live.ts'
import { words } from './locale/index.ts'
import { ObsPage } from './obs/page.tsx'
import { linkTo, page, PAGES, type Page } from './pages.ts'
import { SourcesPage } from './sources/page.tsx'
import { TryItPage } from './try/page.tsx'

const SHOWN: Readonly<Record<Page, ComponentType>> = {
  sources: SourcesPage,
  try: TryItPage,
  obs: ObsPage,
  engine: EnginePage,
  figures: FiguresPage,
}

export function App() {
  const Shown = SHOWN[page.value]
  return (
    <>
      <header>
        <nav aria-label={words.product}>
          {PAGES.map((name) => (
            <a key={name} href={linkTo(name)} aria-current={name === page.value ? 'page' : undefined}>
              {words.pages[name]}
            </a>
          ))}
        </nav>
      </header>
      {!isConnected.value && <p role="status">{state.value ? words.connection.away : words.connection.waiting}</p>}
      <main>
        <Shown />
      </main>
    </>
  )
}
