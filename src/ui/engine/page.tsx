import { words } from '../locale/index.ts'

export function EnginePage() {
  return (
    <section>
      <h1>{words.pages.engine}</h1>
    </section>
  )
}
