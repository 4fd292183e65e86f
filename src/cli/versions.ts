import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

/** Versions of mattebox, Node and onnxruntime, as their packages say. */
export async function versions(): Promise<{ mattebox: string; node: string; onnxruntime: string }> {
  const version = async (path: string | URL): Promise<string> =>
    (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-node/package.json')
  return {
    mattebox: await version(new URL('../../package.json', import.meta.url)),
    node: process.versions.node,
    onnxruntime: await version(runtime),
  }
}
