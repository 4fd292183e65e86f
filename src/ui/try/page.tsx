import { words } from '../locale/index.ts'

export function TryItPage() {
  return (
    <section>
      <h1>{words.pages.try}</h1>
    </section>
  )
}
