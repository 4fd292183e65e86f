import type { Complaint } from '../errors/index.ts'
import type { Sidecar } from '../sidecar/main/sidecar.ts'
import { localizeCommands } from './invocation.ts'
import { isJournal } from './open-browser.ts'
import { board, changes, Redraw } from './start-board.ts'
import type { StartPanel } from './start-panel.ts'

const REDRAW_MS = 1000

/** What `mattebox start` shows while it runs. */
export interface Shown {
  /** The panel is there, or why there is none. */
  panel(opened: StartPanel | Complaint): Promise<void>
  /** A sentence for whoever sits there, once. */
  say(text: string): void
  stop(): void
}

/** Shows the state as it changes, until told to stop: as JSON, as a board on a terminal, or as lines. */
export function show(sidecar: Sidecar, json: boolean): Shown {
  if (json) return showJson(sidecar)
  return process.stdout.isTTY ? showBoard(sidecar, process.stdout) : showLines(sidecar)
}

/** One object a second. Whoever reads it is a program: it gets no code. */
function showJson(sidecar: Sidecar): Shown {
  let panel: { readonly address: string | null; readonly error: Complaint | null } | null = null
  const print = (): void => {
    const { state } = sidecar
    const shown = { ...state, panel, error: state.error ?? panel?.error ?? null }
    process.stdout.write(`${JSON.stringify(shown)}\n`)
  }
  print()
  const timer = setInterval(print, REDRAW_MS)
  return {
    panel: (opened) => {
      panel = 'code' in opened ? { address: null, error: opened } : { address: opened.address, error: opened.error }
      return Promise.resolve()
    },
    say: (text) => void process.stderr.write(`${text}\n`),
    stop: () => clearInterval(timer),
  }
}

function showBoard(sidecar: Sidecar, terminal: NodeJS.WriteStream): Shown {
  const redraw = new Redraw(terminal)
  let lines = (): string[] => []
  const draw = (): void => redraw.draw(board(sidecar.state, lines()))
  draw()
  const timer = setInterval(draw, REDRAW_MS)
  return {
    panel: async (opened) => {
      lines = () => panelLines(opened, true)
      const picture = 'code' in opened ? undefined : await opened.qrCode()
      if (picture !== undefined) redraw.above(picture)
      draw()
    },
    say: (text) => {
      redraw.above(`${text}\n`)
      draw()
    },
    stop: () => clearInterval(timer),
  }
}

/** For a log: what changed, a line each. A journal gets no code. */
function showLines(sidecar: Sidecar): Shown {
  let before = sidecar.state
  const print = (lines: readonly string[]): void => lines.forEach((line) => void process.stdout.write(`${line}\n`))
  print(changes(undefined, before))
  const tell = (): void => {
    const now = sidecar.state
    print(changes(before, now))
    before = now
  }
  sidecar.on('state', tell)
  return {
    panel: async (opened) => {
      const showsCode = !isJournal()
      try {
        const picture = showsCode && !('code' in opened) ? await opened.qrCode() : undefined
        if (picture !== undefined) print([picture.trimEnd()])
      } finally {
        print(panelLines(opened, showsCode))
      }
    },
    say: (text) => print([text]),
    stop: () => void sidecar.off('state', tell),
  }
}

function panelLines(opened: StartPanel | Complaint, showsCode: boolean): string[] {
  if (!('code' in opened)) return opened.lines(showsCode)
  return [
    `Panel: none. ${opened.message}`,
    ...localizeCommands(opened.mend)
      .split('\n')
      .map((line) => `  ${line}`),
  ]
}
