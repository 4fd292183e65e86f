import { signal } from '@preact/signals'

/** The pages, in the order of the navigation; each is reached by a link of its own, `#/try`. */
export const PAGES = ['sources', 'try', 'obs', 'engine', 'figures'] as const
export type Page = (typeof PAGES)[number]

function pageInAddress(): Page {
  const name = location.hash.replace(/^#\/?/, '').split('/')[0] as Page
  return PAGES.includes(name) ? name : 'sources'
}

/** The page that is shown; a link changes it. */
export const page = signal(pageInAddress())
addEventListener('hashchange', () => (page.value = pageInAddress()))

export function linkTo(name: Page): string {
  return `#/${name}`
}
