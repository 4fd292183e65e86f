import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { SourceView } from '../../api/index.ts'
import { watch, type Preview } from '../live.ts'
import { words } from '../locale/index.ts'
import { compose, type PictureView } from './compose.ts'
import { pictureSize } from './picture-size.ts'

interface PictureProps {
  readonly source: SourceView
  readonly view: PictureView
  /** Over the picture, in its size. */
  readonly children?: ComponentChildren
}

/** A source's live picture, over a checkerboard; asked for only while it is drawn. */
export function Picture({ source, view, children }: PictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const last = useRef<Preview | null>(null)
  const [hasPicture, setHasPicture] = useState(false)
  const { id } = source

  useEffect(() => {
    return watch(id, (preview) => {
      last.current = preview
      setHasPicture(true)
      draw(canvas.current, preview, view)
    })
  }, [id, view])
  useEffect(() => {
    if (last.current) draw(canvas.current, last.current, view)
  }, [view])

  // The low resolution is stretched: its sides are multiples of 16.
  const { width, height } = pictureSize(source)
  const line = overlayLine(source, hasPicture)
  return (
    <span class="picture" style={{ aspectRatio: `${width} / ${height}` }}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={words.sources.pictureOf(words.sources.views[view], source.source)}
        data-view={view}
      />
      {line !== null && <span class="picture-line">{line}</span>}
      {children}
    </span>
  )
}

function overlayLine(source: SourceView, hasPicture: boolean): string | null {
  const said = words.sources.states
  if (!source.connected) return said.away
  if (source.covered) return said.covered
  return hasPicture ? null : said.noPicture
}

function draw(canvas: HTMLCanvasElement | null, preview: Preview, view: PictureView): void {
  if (canvas === null) return
  const { width, height } = preview
  // Setting a size clears the canvas, which would be seen.
  if (canvas.width !== width) canvas.width = width
  if (canvas.height !== height) canvas.height = height
  canvas.dataset['frame'] = String(preview.frameId)
  canvas.getContext('2d')?.putImageData(new ImageData(compose(preview, view), width, height), 0, 0)
}
