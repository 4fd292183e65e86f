import type { ComponentType } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Alerts } from './alerts.tsx'
import { EnginePage } from './engine/page.tsx'
import { FiguresPage } from './figures/page.tsx'
import icon from './icon.svg'
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
  const name = page.value
  const Shown = SHOWN[name]
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  useEffect(() => {
    document.title = `${words.pages[name]} · ${words.product}`
    // Whoever cannot see the page learns that another one is shown.
    if (!isFirst.current) main.current?.focus()
    isFirst.current = false
  }, [name])
  return (
    <>
      <header class="bar">
        <span class="brand">
          <img src={icon} alt="" width="24" height="24" />
          <span>{words.product}</span>
        </span>
        <nav aria-label={words.product}>
          {PAGES.map((other) => (
            <a key={other} href={linkTo(other)} aria-current={other === name ? 'page' : undefined}>
              {words.pages[other]}
            </a>
          ))}
        </nav>
      </header>
      <Alerts />
      <main ref={main} tabIndex={-1} aria-label={words.pages[name]}>
        <Shown />
      </main>
    </>
  )
}
