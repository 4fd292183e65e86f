import { words } from '../locale/index.ts'
import { linkTo } from '../pages.ts'
import { Card } from '../parts/index.ts'

/** What to do where no filter has connected yet. */
export function NoSource() {
  const said = words.sources.none
  return (
    <div class="columns">
      <Card title={said.title}>
        <p>{said.add}</p>
        <p>
          <a role="button" href={linkTo('obs')}>
            {said.toObs}
          </a>
        </p>
        <p class="muted">{said.byHand}</p>
      </Card>
      <Card title={said.tryTitle}>
        <p>{said.try}</p>
        <p>
          <a role="button" class="secondary outline" href={linkTo('try')}>
            {said.toTry}
          </a>
        </p>
      </Card>
    </div>
  )
}
