import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface CardProps {
  readonly title: string
  /** Of the heading; default 2. */
  readonly level?: 2 | 3
  /** Beside the heading: a button, a state. */
  readonly aside?: ComponentChildren
  readonly class?: string
  readonly children: ComponentChildren
}

/** A part of a page under a heading of its own. */
export function Card({ title, level = 2, aside, class: name = '', children }: CardProps) {
  const id = useId()
  const Heading: 'h2' | 'h3' = `h${level}`
  return (
    <article class={`card ${name}`} aria-labelledby={id}>
      <div class="card-head">
        <Heading id={id}>{title}</Heading>
        {aside}
      </div>
      {children}
    </article>
  )
}
