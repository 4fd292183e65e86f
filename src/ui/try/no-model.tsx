import { OfficialModel } from '../engine/official-model.tsx'
import { ImportModel } from '../engine/import-model.tsx'
import { words } from '../locale/index.ts'
import { Card } from '../parts/index.ts'

/** What to do where there is nothing to matte with. */
export function NoModel({ modelsFolder }: { readonly modelsFolder: string }) {
  return (
    <Card title={words.try.noModel.title}>
      <p>{words.try.noModel.about}</p>
      <ImportModel />
      <OfficialModel modelsFolder={modelsFolder} />
    </Card>
  )
}
