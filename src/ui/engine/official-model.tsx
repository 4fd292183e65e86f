import catalog from '../../../models/catalog.json'
import { megabytes } from '../locale/format.ts'
import { words } from '../locale/index.ts'
import { CommandLine } from '../parts/index.ts'

/** Whoever brings a model along needs no address of it. */
const [OFFICIAL] = catalog.models.flatMap(({ address, ...model }) => (address ? [{ ...model, address }] : []))

interface OfficialModelProps {
  readonly modelsFolder: string
  /** Whether its words are seen without asking for them; default: they are. */
  readonly isOpen?: boolean
}

/** Where the official weights are, and how to put them in by hand. */
export function OfficialModel({ modelsFolder, isOpen = true }: OfficialModelProps) {
  const said = words.engine.official
  const { name, file, bytes, licence, address } = OFFICIAL
  return (
    <details class="engine-part" open={isOpen}>
      <summary>{said.title}</summary>
      <p>{said.about(name, megabytes(bytes), licence)}</p>
      <ol>
        <li>
          <a href={address} rel="noreferrer">
            {said.download(file)}
          </a>
        </li>
        <li>{said.importIt}</li>
      </ol>
      <p>{said.orInTerminal}</p>
      <CommandLine text={`mattebox models import ${file}`} />
      <p>{said.folder}</p>
      <CommandLine text={modelsFolder} />
    </details>
  )
}
