/** What a shared object needs of the machine that loads it. */
export interface ElfNeeds {
  /** As Node calls it: `x64`, `arm64`; null for another one. */
  readonly arch: string | null
  /** Versions of symbols by library, such as `{ library: 'libc.so.6', version: 'GLIBC_2.34' }`. */
  readonly versions: readonly { readonly library: string; readonly version: string }[]
}

const MACHINES: Readonly<Record<number, string>> = { 62: 'x64', 183: 'arm64', 243: 'riscv64' }
const SHT_GNU_VERNEED = 0x6ffffffe

/**
 * Reads a 64-bit little-endian ELF file (System V ABI; for versions of symbols the Linux Standard Base, "Symbol
 * Versioning"): its machine, and the versions that its symbols are bound to.
 *
 * @returns null where it is no such file, or is damaged
 */
export function elfNeeds(file: Buffer): ElfNeeds | null {
  try {
    if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) return null
    const arch = MACHINES[file.readUInt16LE(18)] ?? null
    const sections = sectionHeaders(file)
    const needed = sections.find(({ type }) => type === SHT_GNU_VERNEED)
    return { arch, versions: needed ? neededVersions(file, needed, sections[needed.link].offset) : [] }
  } catch (error) {
    // A read beyond the end, or a section that is not there.
    if (error instanceof RangeError || error instanceof TypeError) return null
    throw error
  }
}

interface Section {
  readonly type: number
  readonly offset: number
  readonly link: number
}

function sectionHeaders(file: Buffer): Section[] {
  const start = Number(file.readBigUInt64LE(0x28))
  const size = file.readUInt16LE(0x3a)
  return Array.from({ length: file.readUInt16LE(0x3c) }, (_, n) => {
    const at = start + n * size
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 24)),
      link: file.readUInt32LE(at + 40),
    }
  })
}

function neededVersions(file: Buffer, { offset }: Section, strings: number): { library: string; version: string }[] {
  const text = (at: number): string => file.toString('latin1', strings + at, file.indexOf(0, strings + at))
  const found = []
  for (let library = offset, step = -1; step !== 0; library += step) {
    const count = file.readUInt16LE(library + 2)
    let version = library + file.readUInt32LE(library + 8)
    for (let n = 0; n < count; n++) {
      found.push({ library: text(file.readUInt32LE(library + 4)), version: text(file.readUInt32LE(version + 8)) })
      version += file.readUInt32LE(version + 12)
    }
    step = file.readUInt32LE(library + 12)
  }
  return found
}
