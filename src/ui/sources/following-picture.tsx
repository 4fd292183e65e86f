import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { SourceView } from '../../api/index.ts'
import type { PictureView } from './compose.ts'
import { Picture } from './picture.tsx'

interface FollowingPictureProps {
  readonly source: SourceView
  readonly view: PictureView
  /** Where the large picture is. */
  readonly stage: RefObject<HTMLElement | null>
}

/** The bar over the page, which the picture scrolls away under. */
const BAR_PX = 48

/** The picture once more, small, while the large one is scrolled away above the settings of a narrow page. */
export function FollowingPicture({ source, view, stage }: FollowingPictureProps) {
  const [isAway, setAway] = useState(false)
  useEffect(() => {
    const look = ([{ isIntersecting, boundingClientRect }]: IntersectionObserverEntry[]): void =>
      setAway(!isIntersecting && boundingClientRect.bottom <= BAR_PX)
    const observer = new IntersectionObserver(look, { rootMargin: `-${BAR_PX}px 0px 0px` })
    observer.observe(stage.current!)
    return () => observer.disconnect()
  }, [stage])
  return (
    <div class="following" aria-hidden="true">
      {isAway && <Picture source={source} view={view} />}
    </div>
  )
}
