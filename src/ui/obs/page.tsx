import { words } from '../locale/index.ts'

export function ObsPage() {
  return (
    <section>
      <h1>{words.pages.obs}</h1>
    </section>
  )
}
