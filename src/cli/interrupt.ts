/**
 * Runs a piece of work that Ctrl-C and SIGTERM end in good order: the first one asks, a second one ends at once.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const ask = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
  }
  process.on('SIGINT', ask).on('SIGTERM', ask)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', ask).off('SIGTERM', ask)
  }
}
