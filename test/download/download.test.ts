import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { download, type DownloadOptions, type PublicFile } from '../../src/download/index.ts'
import { breakingOff, FileServer, honest, sha256 } from './file-server.ts'

/*
 * Red: compare no sha256 in download.ts (the server that lies), send no Range (the resumed ones), take the body of a 200
 * for the rest (the server without ranges), leave out the stall's timer, unlink the part in `release`.
 */

const BYTES = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => Math.imul(i, 2654435761) >>> 13))
const OTHER = Buffer.from(BYTES).reverse()

let root: string
let folder: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mattebox-download-'))
  folder = join(root, 'downloads')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const get = (file: PublicFile, options: Partial<DownloadOptions> = {}): Promise<string> =>
  download(file, { folder, again: 'mattebox models get it', pauseMs: 5, stallMs: 2_000, ...options })
const files = (): string[] => (existsSync(folder) ? readdirSync(folder) : [])
const part = ({ file, sha256: hash }: PublicFile, pid?: number): string =>
  join(folder, [file, hash.slice(0, 12), ...(pid === undefined ? [] : [pid]), 'part'].join('.'))
const place = (path: string, bytes: Uint8Array): void => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, bytes)
}

describe('a download', () => {
  it('brings the file, for this user’s eyes only, and says how far it is', async () => {
    using server = await FileServer.serving(BYTES, honest())
    const heard: number[] = []
    const path = await get(server.file(), { onProgress: (bytes) => heard.push(bytes) })
    expect(path).toBe(join(folder, 'file.bin'))
    expect(readFileSync(path).equals(BYTES)).toBe(true)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(files()).toEqual(['file.bin'])
    expect(heard[0]).toBe(0)
    expect(heard.at(-1)).toBe(BYTES.length)
    expect(heard).toEqual(heard.toSorted((a, b) => a - b))
  })

  it('asks for nothing where the file lies there already, whoever placed it', async () => {
    using server = await FileServer.serving(BYTES, honest())
    place(join(folder, 'file.bin'), BYTES)
    await get(server.file())
    expect(server.asked).toEqual([])
  })

  it('says what is wrong with a file that was placed by hand, and leaves it there', async () => {
    using server = await FileServer.serving(BYTES, honest())
    const path = join(folder, 'file.bin')
    place(path, OTHER)
    await expect(get(server.file())).rejects.toMatchObject({
      code: 'DOWNLOAD_WRONG',
      message: expect.stringContaining(`its sha256 is ${sha256(OTHER)}`) as string,
      mend: expect.stringContaining('Delete it') as string,
    })
    place(path, BYTES.subarray(1))
    await expect(get(server.file())).rejects.toThrow(`${path} is not the file that is wanted: it has 2999999 bytes`)
    expect(files()).toEqual(['file.bin'])
  })

  it('follows redirects', async () => {
    using server = await FileServer.serving(BYTES, honest())
    using moved = await FileServer.serving(BYTES, (_request, response) =>
      response.writeHead(302, { location: server.file().address }).end(),
    )
    expect(readFileSync(await get(moved.file())).equals(BYTES)).toBe(true)
  })

  it('goes on by itself where a connection breaks, if the file is still the same one', async () => {
    using server = await FileServer.serving(BYTES, breakingOff(1_000_000), breakingOff(500_000), honest())
    expect(readFileSync(await get(server.file())).equals(BYTES)).toBe(true)
    expect(server.asked).toHaveLength(3)
    expect(server.asked[0]).toEqual({ range: undefined, ifRange: undefined })
    expect(server.asked[2].range).toMatch(/^bytes=1[0-9]{6}-$/)
    expect(server.asked[2].ifRange).toBe('"one"')
  })

  it('begins again where the file has changed meanwhile', async () => {
    using server = await FileServer.serving(BYTES, breakingOff(1_000_000), honest({ etag: '"two"' }))
    expect(readFileSync(await get(server.file())).equals(BYTES)).toBe(true)
  })

  it('begins again at a server that knows no ranges', async () => {
    using server = await FileServer.serving(BYTES, breakingOff(1_000_000), (_request, response, bytes) =>
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes),
    )
    expect(readFileSync(await get(server.file())).equals(BYTES)).toBe(true)
    expect(server.asked[1].range).toBeDefined()
  })

  it.each([
    ['416', 416, {}],
    ['another part', 206, { 'content-range': 'bytes 7-2999999/3000000' }],
    ['a part of another file', 206, { 'content-range': 'bytes 1000000-8999999/9000000' }],
  ])('begins again where the server answers a part with %s', async (_what, status, headers) => {
    using server = await FileServer.serving(
      BYTES,
      (_request, response) => response.writeHead(status, headers).end(),
      honest(),
    )
    const file = server.file()
    place(part(file), BYTES.subarray(0, 1_000_000))
    expect(readFileSync(await get(file)).equals(BYTES)).toBe(true)
    expect(server.asked.map(({ range }) => range)).toEqual(['bytes=1000000-', undefined])
  })

  it('goes on with what an earlier one left, and with what a killed one left', async () => {
    using server = await FileServer.serving(BYTES, honest())
    const file = server.file()
    for (const pid of [undefined, 2 ** 22 + 1]) {
      place(part(file, pid), BYTES.subarray(0, 2_999_000))
      expect(readFileSync(await get(file)).equals(BYTES)).toBe(true)
      expect(server.asked.at(-1)?.range).toBe('bytes=2999000-')
      expect(files()).toEqual(['file.bin'])
      rmSync(join(folder, 'file.bin'))
    }
  })

  it('begins again, once, where what was left was damaged', async () => {
    using server = await FileServer.serving(BYTES, honest())
    const file = server.file()
    place(part(file), OTHER.subarray(0, 1_000_000))
    expect(readFileSync(await get(file)).equals(BYTES)).toBe(true)
    expect(server.asked.map(({ range }) => range)).toEqual(['bytes=1000000-', undefined])
  })

  it('never goes on with a part of another version, and removes it', async () => {
    using server = await FileServer.serving(BYTES, honest())
    const file = server.file()
    place(part({ ...file, sha256: sha256(OTHER) }), OTHER.subarray(0, 1_000_000))
    await get(file)
    expect(server.asked).toEqual([{ range: undefined, ifRange: undefined }])
    expect(files()).toEqual(['file.bin'])
  })

  it('gives up a server that stalls, keeps what came, and goes on from there the next time', async () => {
    using server = await FileServer.serving(BYTES, breakingOff(500_000, 'stalls'))
    const file = server.file()
    const start = performance.now()
    await expect(get(file, { stallMs: 150 })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('sent nothing for 0.15 s') as string,
    })
    expect(performance.now() - start).toBeLessThan(5_000)
    const kept = statSync(part(file)).size
    expect(kept).toBeGreaterThan(0)
    server.behaviours.unshift(honest())
    server.asked.length = 0
    await get(file)
    expect(server.asked[0].range).toBe(`bytes=${kept}-`)
  })

  it('gives up a server that always breaks off, and says how to place the file by hand', async () => {
    using server = await FileServer.serving(BYTES, breakingOff(1))
    const file = server.file()
    const error: unknown = await get(file).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'DOWNLOAD_FAILED' })
    const { mend } = error as { mend: string }
    for (const wanted of [file.address, file.sha256, `${file.bytes} bytes`, folder, '`mattebox models get it`']) {
      expect(mend).toContain(wanted)
    }
    expect(server.asked).toHaveLength(4)
  })

  it('uses nothing of a file with another hash, or another length than it should have', async () => {
    const lies: [string, (bytes: Buffer) => Parameters<typeof FileServer.serving>[1], RegExp][] = [
      ['hash', () => (_request, response) => void response.writeHead(200).end(OTHER), /its sha256 is/],
      [
        'length',
        () => (_request, response) => void response.writeHead(200, { 'content-length': 5 }).end('12345'),
        /it has 5 bytes, not 3000000/,
      ],
      [
        'more',
        (bytes) => (_request, response) => void response.write(Buffer.concat([bytes, bytes])),
        /more than 3000000 bytes came/,
      ],
    ]
    for (const [name, behave, message] of lies) {
      using server = await FileServer.serving(BYTES, behave(BYTES))
      await expect(get(server.file(name)), name).rejects.toMatchObject({
        code: 'DOWNLOAD_WRONG',
        message: expect.stringMatching(message) as string,
        mend: expect.stringContaining('nothing of it was used') as string,
      })
      expect(server.asked).toHaveLength(1)
      expect(files()).toEqual([])
    }
  })

  it('tries again where a server is busy, and not where it has no such file', async () => {
    const answers = (status: number) => (_request: unknown, response: ServerResponse) =>
      void response.writeHead(status).end()
    using busy = await FileServer.serving(BYTES, answers(503), answers(429), honest())
    await get(busy.file())
    expect(busy.asked).toHaveLength(3)
    using gone = await FileServer.serving(BYTES, answers(404))
    await expect(get(gone.file('gone'))).rejects.toThrow('answers 404: the file may have moved')
    expect(gone.asked).toHaveLength(1)
  })

  it('says at once that there is no network, and how to place the file by hand', async () => {
    const closed = await closedPort()
    for (const [host, message] of [
      ['nowhere.invalid', /nowhere\.invalid is not found: .*(ENOTFOUND|EAI_AGAIN)/],
      [`127.0.0.1:${closed}`, /127\.0\.0\.1:\d+ refuses the connection \(ECONNREFUSED\)/],
    ] as const) {
      const file = { file: 'file.bin', address: `http://${host}/it`, bytes: 3, sha256: sha256(Buffer.from('abc')) }
      await expect(get(file)).rejects.toMatchObject({
        code: 'DOWNLOAD_FAILED',
        message: expect.stringMatching(message) as string,
        mend: expect.stringContaining(`put it into ${folder} as file.bin`) as string,
      })
      expect(files()).toEqual([])
    }
  })

  it('keeps what came when it is interrupted', async () => {
    using server = await FileServer.serving(BYTES, breakingOff(2_000_000, 'stalls'))
    const file = server.file()
    const controller = new AbortController()
    const done = get(file, {
      signal: controller.signal,
      onProgress: (bytes) => {
        if (bytes >= 1_000_000) controller.abort()
      },
    })
    await expect(done).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 })
    expect(statSync(part(file)).size).toBeGreaterThanOrEqual(1_000_000)
  })

  it('is refused while another one fetches the same file, here or in another process', async () => {
    using server = await FileServer.serving(BYTES, breakingOff(1_000_000, 'stalls'), honest())
    const file = server.file()
    const controller = new AbortController()
    const first = get(file, { signal: controller.signal, stallMs: 20_000 })
    await expect.poll(files, { timeout: 20_000 }).toEqual([expect.stringContaining(`.${process.pid}.part`)])
    await expect(get(file)).rejects.toMatchObject({ code: 'DOWNLOAD_BUSY' })
    controller.abort()
    await expect(first).rejects.toThrow('was stopped')

    const other = spawn('sleep', ['60'])
    try {
      rmSync(part(file), { force: true })
      place(part(file, other.pid), BYTES.subarray(0, 10))
      await expect(get(file)).rejects.toThrow(`by process ${other.pid}`)
    } finally {
      other.kill('SIGKILL')
      await once(other, 'exit')
    }
    expect(readFileSync(await get(file)).equals(BYTES)).toBe(true)
  })

  it.skipIf(!canMount())('says that the disk is full, before or while it writes, and keeps what fits', async () => {
    mkdirSync(folder)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
    try {
      using server = await FileServer.serving(BYTES, honest())
      await expect(get(server.file())).rejects.toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
        message: expect.stringMatching(/does not fit: .* has 1\.0 MB left, and 3\.0 MB are to come/) as string,
      })
      expect(server.asked).toEqual([])

      // Something else fills the disk meanwhile.
      const file = { ...server.file(), bytes: 1_000_000, sha256: sha256(BYTES.subarray(0, 1_000_000)) }
      using slow = await FileServer.serving(BYTES.subarray(0, 1_000_000), honest())
      const done = get(
        { ...file, address: slow.file().address },
        {
          onProgress: (bytes) => {
            if (bytes === 0) writeFileSync(join(folder, 'other'), Buffer.alloc(600_000))
          },
        },
      )
      await expect(done).rejects.toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
        message: expect.stringContaining('ENOSPC') as string,
        mend: expect.stringContaining('Free some space') as string,
      })
      rmSync(join(folder, 'other'))
      const path = await get({ ...file, address: slow.file().address })
      expect(slow.asked.at(-1)?.range).toMatch(/^bytes=[1-9]\d+-$/)
      expect(sha256(readFileSync(path))).toBe(file.sha256)
    } finally {
      execFileSync('umount', [folder])
    }
  })
})

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Whether a full disk can be made here. */
function canMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'mattebox-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', probe], { stdio: 'ignore' })
    execFileSync('umount', [probe])
    return true
  } catch {
    return false
  } finally {
    rmSync(probe, { recursive: true })
  }
}
