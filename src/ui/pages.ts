import { computed, signal } from '@preact/signals'

/** The pages, in the order of the navigation; each is reached by a link of its own, `#/try`. */
export const PAGES = ['sources', 'try', 'obs', 'engine', 'figures'] as const
export type Page = (typeof PAGES)[number]

function partsOfAddress(): { page: Page; source: string | null } {
  const [name, source = null] = location.hash.replace(/^#\/?/, '').split('/') as [Page, string?]
  return PAGES.includes(name) ? { page: name, source } : { page: 'sources', source: null }
}

const address = signal(partsOfAddress())
addEventListener('hashchange', () => (address.value = partsOfAddress()))

/** The page that is shown; a link changes it. */
export const page = computed(() => address.value.page)

/** Id of the filter that the page of sources was asked for. */
export const chosenSource = computed(() => address.value.source)

export function linkTo(name: Page): string {
  return `#/${name}`
}

/** A source's own place on its page. */
export function linkToSource(filterId: string): string {
  return `${linkTo('sources')}/${filterId}`
}
