/** Files that are taken for models by mistake: how they begin, what they are, and what to do instead. */
interface FileKind {
  readonly what: string
  readonly mend: string
  readonly begins: (bytes: Uint8Array) => boolean
}

const OTHER = 'Give a model file: safetensors or ONNX.'
const CONVERT =
  'Save its tensors as safetensors in Python: safetensors.torch.save_file(torch.load(FILE, map_location="cpu"), ' +
  '"model.safetensors"); of a TorchScript file take torch.jit.load(FILE).state_dict(). Then `mattebox models import model.safetensors`.'
const DOWNLOAD = 'The download went wrong: get the file itself.'

/** `at` counts from the file's first byte; text stands for its ASCII bytes. */
const starts =
  (magic: string | readonly number[], at = 0) =>
  (bytes: Uint8Array): boolean => {
    const wanted = typeof magic === 'string' ? new TextEncoder().encode(magic) : Uint8Array.from(magic)
    return wanted.every((byte, index) => bytes[at + index] === byte)
  }
const any =
  (...tests: ((bytes: Uint8Array) => boolean)[]) =>
  (bytes: Uint8Array): boolean =>
    tests.some((test) => test(bytes))

const KINDS: readonly FileKind[] = [
  { what: 'a zip archive, as PyTorch checkpoints (.pth, .pt) are', mend: CONVERT, begins: starts('PK\x03\x04') },
  {
    what: 'a Python pickle, as old PyTorch checkpoints are',
    mend: CONVERT,
    begins: any(...[2, 3, 4, 5].map((protocol) => starts([0x80, protocol]))),
  },
  {
    what: 'a page of HTML',
    mend: DOWNLOAD,
    begins: any(starts('<!DOCTYPE'), starts('<!doctype'), starts('<html')),
  },
  {
    what: 'a Git LFS pointer',
    mend: `${DOWNLOAD} In a clone, run git lfs pull.`,
    begins: starts('version https://git-lfs'),
  },
  {
    what: 'a picture',
    mend: OTHER,
    begins: any(starts([0xff, 0xd8, 0xff]), starts('PNG', 1), starts('GIF8'), starts('WEBP', 8)),
  },
  { what: 'a video', mend: OTHER, begins: any(starts([0x1a, 0x45, 0xdf, 0xa3]), starts('ftyp', 4)) },
  { what: 'a compressed file', mend: 'Unpack it first.', begins: any(starts([0x1f, 0x8b]), starts('7zXZ', 1)) },
  { what: 'a TensorFlow Lite model', mend: OTHER, begins: starts('TFL3', 4) },
  { what: 'an HDF5 file', mend: OTHER, begins: starts('HDF', 1) },
]

/** What a file is that is no model, if its first bytes say so. */
export function knownFileKind(bytes: Uint8Array): { what: string; mend: string } | undefined {
  return KINDS.find(({ begins }) => begins(bytes))
}
