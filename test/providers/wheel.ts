import { createRequire } from 'node:module'

interface AdmZip {
  addFile(name: string, bytes: Buffer): void
  toBuffer(): Buffer
}

// The library that onnxruntime's package unpacks its own archives with.
const require = createRequire(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
const Zip = require('adm-zip') as new () => AdmZip

/** A Python wheel with these members. */
export function wheel(members: Readonly<Record<string, Buffer>>): Buffer {
  const zip = new Zip()
  for (const [name, bytes] of Object.entries(members)) zip.addFile(name, bytes)
  return zip.toBuffer()
}
