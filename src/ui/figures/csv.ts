/** A column of a table: its head, and a value a row. */
export interface Column {
  readonly head: string
  readonly values: readonly (number | string | null)[]
}

/** Columns of equal length as CSV (RFC 4180): a row of heads, lines that end in CR LF, nothing where a value is null. */
export function csv(columns: readonly Column[]): string {
  const rows = columns[0]?.values.length ?? 0
  const lines = [columns.map(({ head }) => cell(head))]
  for (let row = 0; row < rows; row++) lines.push(columns.map(({ values }) => cell(values[row] ?? null)))
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('')
}

function cell(value: number | string | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000)
  // A spreadsheet would take a name that begins so for a formula, and run it.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
