import { words } from '../locale/index.ts'

export function SourcesPage() {
  return (
    <section>
      <h1>{words.pages.sources}</h1>
    </section>
  )
}
