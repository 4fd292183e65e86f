import { PanelSecret } from '../sidecar/panel/panel-secret.ts'
import { findInstance } from '../sidecar/main/instance.ts'
import type { EngineView } from '../api/index.ts'

const ANSWER_TIMEOUT_MS = 3_000

/** Names of the models that a running `mattebox start` of this user has in use; none where it does not say. */
export async function modelsInUse(): Promise<readonly string[]> {
  const panel = (await findInstance().catch(() => undefined))?.panel
  if (!panel) return []
  try {
    const secret = await PanelSecret.open()
    const answer = await fetch(new URL('/api/engine', panel.address), {
      headers: { authorization: `Bearer ${secret.value ?? ''}` },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    })
    if (!answer.ok) return []
    const { models } = (await answer.json()) as EngineView
    return models.filter(({ inUse }) => inUse).map(({ name }) => name)
  } catch {
    return []
  }
}
