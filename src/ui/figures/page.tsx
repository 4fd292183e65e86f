import { words } from '../locale/index.ts'

export function FiguresPage() {
  return (
    <section>
      <h1>{words.pages.figures}</h1>
    </section>
  )
}
