import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** What is wrong with a page as it is now, by WCAG 2.2 AA and in its width: a line each. */
export async function faults(page: Page): Promise<string[]> {
  // Else colours that are still fading are looked at.
  await page.emulateMedia({ reducedMotion: 'reduce' })
  // What lies half under the bar of pages is taken for too small a target.
  await page.evaluate('scrollTo(0, 0)')
  const { violations, passes } = await new AxeBuilder({ page }).withTags(RULES).setLegacyMode().analyze()
  expect(passes.length, 'rules that were checked').toBeGreaterThan(10)
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
  return [
    ...violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`)),
    ...(wide > 0 ? [`${wide} pixels wider than the window`] : []),
  ]
}
