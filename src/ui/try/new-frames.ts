/** Calls back whenever a video shows a new frame, until the function that is returned is called. */
export function onNewFrames(video: HTMLVideoElement, onFrame: () => void): () => void {
  // Not every browser tells of frames: those are asked before each repaint whether time has gone on.
  const tells = 'requestVideoFrameCallback' in video
  let isOver = false
  let at = -1
  const next = (): void => {
    if (tells) video.requestVideoFrameCallback(told)
    else requestAnimationFrame(asked)
  }
  const told = (): void => {
    if (isOver) return
    onFrame()
    next()
  }
  const asked = (): void => {
    if (isOver) return
    if (video.currentTime !== at) onFrame()
    at = video.currentTime
    next()
  }
  next()
  return () => {
    isOver = true
  }
}
