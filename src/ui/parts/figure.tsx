import type { ComponentChildren } from 'preact'

interface FigureProps {
  readonly label: string
  /** Null: not known yet. */
  readonly value: number | string | null
  readonly unit?: string
  /** Of a number; default 0. */
  readonly digits?: number
}

/** A measured value with its name and unit; lives in `Figures`. */
export function Figure({ label, value, unit, digits = 0 }: FigureProps) {
  const shown = typeof value === 'number' ? value.toFixed(digits) : value
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        {shown === null ? (
          '–'
        ) : (
          <>
            {shown}
            {unit !== undefined && <span class="unit"> {unit}</span>}
          </>
        )}
      </dd>
    </div>
  )
}

export function Figures({ children }: { readonly children: ComponentChildren }) {
  return <dl class="figures">{children}</dl>
}
