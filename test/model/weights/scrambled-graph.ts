import type { GraphProto } from 'onnx-buf'

/**
 * Takes everything from a graph that is not structure: values, nodes and initialisers get new names, the inputs' and
 * outputs' too; initialisers are shuffled; nodes come in another order that is still sorted. Changes it in place.
 */
export function scramble(graph: GraphProto, random: () => number): void {
  const names = new Map<string, string>([['', '']])
  const renamed = (name: string): string => {
    if (!names.has(name)) names.set(name, `v${Math.floor(random() * 1e12).toString(36)}`)
    return names.get(name)!
  }
  for (const node of graph.node) {
    node.name = `n${Math.floor(random() * 1e12)}`
    node.docString = ''
    node.input = node.input.map(renamed)
    node.output = node.output.map(renamed)
  }
  for (const named of [...graph.initializer, ...graph.input, ...graph.output, ...graph.valueInfo]) {
    named.name = renamed(named.name)
  }
  shuffle(graph.initializer, random)

  const known = new Set(['', ...graph.initializer.map(({ name }) => name), ...graph.input.map(({ name }) => name)])
  const waiting = [...graph.node]
  shuffle(waiting, random)
  const sorted: typeof waiting = []
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ input }) => input.every((name) => known.has(name)))
    const [node] = waiting.splice(next, 1)
    node.output.forEach((name) => known.add(name))
    sorted.push(node)
  }
  graph.node = sorted
}

function shuffle(list: unknown[], random: () => number): void {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[list[last], list[other]] = [list[other], list[last]]
  }
}
