import type { PanelParts } from '../panel-parts.ts'
import type { PanelStates } from '../panel-state.ts'

/** What the rows' handlers work with. */
export interface RouteParts extends PanelParts {
  readonly states: PanelStates
}
