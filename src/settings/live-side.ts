/** Sides of the low resolution of a live source, in pixels: what the channel, the panel's API and its page take. */
export const LIVE_SIDE = { min: 16, max: 1024, multiple: 16 } as const
