import type { EngineView } from '../../api/index.ts'
import { OfficialModel } from '../engine/official-model.tsx'
import { ImportModel } from '../engine/import-model.tsx'
import { words } from '../locale/index.ts'
import { Card } from '../parts/index.ts'

/** What to do where there is nothing to matte with. */
export function NoModel({ engine }: { readonly engine: EngineView }) {
  return (
    <Card title={words.try.noModel.title}>
      <p>{words.try.noModel.about}</p>
      <ImportModel />
      <OfficialModel engine={engine} />
    </Card>
  )
}
