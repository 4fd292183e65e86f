/** Regions of one source, and corners of one region: what the settings take, and where drawing stops. */
export const MOST_REGIONS = 16
export const MOST_POINTS = 64
export const FEWEST_POINTS = 3
