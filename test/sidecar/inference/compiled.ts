import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '..', '..', '..')
const src = join(root, 'src')

/**
 * Source files, and all that they import of ours, as plain JavaScript in a package of their own: for tests that start
 * real processes, since Node 20 runs no TypeScript and what lies in dist/ may be older than the sources. Types are
 * stripped, not checked.
 *
 * @param entry - file below src/, whose path is answered
 * @param others - files that it starts and does not import
 */
export function compiled(entry: string, ...others: string[]): { readonly path: string; remove(): void } {
  mkdirSync(join(root, '.cache'), { recursive: true })
  // Inside the repository, so that imports of packages resolve.
  const folder = mkdtempSync(join(root, '.cache', 'compiled-'))
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'))
  // The addon is looked for in the package.
  symlinkSync(join(root, 'build'), join(folder, 'build'))
  const inFolder = (file: string) => join(folder, 'dist', relative(src, file).replace(/\.ts$/, '.js'))
  const files = new Set([entry, ...others].map((file) => join(src, file)))
  // A set visits what is added while it is walked.
  for (const file of files) {
    const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    })
    for (const [, imported] of outputText.matchAll(/(?:^(?:import|export) .*from |import\()['"](\..*?)\.js['"]/gm)) {
      files.add(join(dirname(file), `${imported}.ts`))
    }
    mkdirSync(dirname(inFolder(file)), { recursive: true })
    writeFileSync(inFolder(file), outputText)
  }
  return { path: inFolder(join(src, entry)), remove: () => rmSync(folder, { recursive: true }) }
}
