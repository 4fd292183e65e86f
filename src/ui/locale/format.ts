/** Sizes as files have them. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/** A picture's sides in pixels. */
export function pixels({ width, height }: { readonly width: number; readonly height: number }): string {
  return `${width} × ${height}`
}
