/**
 * Row 15 of the reliability table, its last part: what 64 slow, huge and silent WebSocket clients cost a step of the
 * network. Real `mattebox start`, real weights, a filter that films, phases with and without the clients one after the
 * other. Printed, and held to 5 % with MATTEBOX_FULL=1 alone: the clients run on the same cores as the network, which
 * has one of its own, so that a machine that does something else says nothing. It lies with the tests of OBS, which run
 * alone.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIVE_PATH, TRY_PATH, type SourceView } from '../../../src/api/index.ts'
import { median } from '../../../src/video/median.ts'
import { describeWithSharedData } from '../../shared-data.ts'
import { FilmingFilter } from '../panel/filming-filter.ts'
import { compiledWithPage, launchBrowser, letIn, Panel } from '../panel/try-stage.ts'

const ID = '00000000000000aa'
const ROUNDS = 6
const PHASE_S = 10
/** Twice what a message may have. */
const HUGE_BYTES = 8 * 1024 * 1024

describe.skipIf(process.env['MATTEBOX_FULL'] !== '1')('64 bad WebSocket clients', () => {
  describeWithSharedData('and a filter', (shared) => {
    const home = mkdtempSync(join(tmpdir(), 'mattebox-cost-'))
    let program: Awaited<ReturnType<typeof compiledWithPage>>
    let panel: Panel
    let headers: Record<string, string>
    let origin: string

    beforeAll(async () => {
      program = await compiledWithPage()
      const model = join(shared, 'weights', 'rvm-standin.safetensors')
      panel = await Panel.start(program.path, model, { home, socket: join(home, 'channel.sock'), threads: 1 })
      origin = new URL(panel.address).origin
      const browser = await launchBrowser()
      const { cookies } = await letIn(browser, panel)
      await browser.close()
      headers = { cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') }
    }, 240_000)
    afterAll(async () => {
      await panel[Symbol.asyncDispose]()
      program.remove()
      rmSync(home, { recursive: true, force: true })
    })

    const view = async (): Promise<SourceView> =>
      (await (await fetch(`${origin}/api/sources/${ID}`, { headers })).json()) as SourceView

    /** Of a network's step, ms: median of the means of each second. */
    async function stepMs(): Promise<number> {
      const seen: number[] = []
      for (let second = 0; second < PHASE_S; second++) {
        await sleep(1000)
        seen.push((await view()).figures.inferenceMs!)
      }
      return median(seen)
    }

    function open(path: string): WebSocket {
      const socket = new WebSocket(origin.replace('http', 'ws') + path, { headers: { ...headers, origin } })
      socket.on('error', () => undefined)
      return socket
    }

    /** Watches the filter's picture, and reads nothing. */
    function slow(): WebSocket {
      const socket = open(LIVE_PATH)
      socket.on('open', () => {
        socket.send(JSON.stringify({ filterIds: [ID] }))
        socket.pause()
      })
      return socket
    }

    /** Sends more than is taken, and comes back when it is closed. */
    function huge(isOver: () => boolean): WebSocket {
      const socket = open(TRY_PATH)
      socket.on('open', () => socket.send(Buffer.alloc(HUGE_BYTES)))
      socket.on('close', () => setTimeout(() => isOver() || huge(isOver), 1000))
      return socket
    }

    it(
      'slow a step down by at most 5 %',
      async () => {
        await using filter = await FilmingFilter.connect(panel.socket, { filterId: ID, source: 'Camera' })
        await filter.set({ ratio: 0.2 })
        await expect.poll(async () => (await view()).figures.inferenceMs, { timeout: 30_000 }).toBeGreaterThan(0)
        const ratios: number[] = []
        for (let round = 0; round < ROUNDS; round++) {
          const alone = await stepMs()
          let isOver = false
          const clients = Array.from({ length: 64 }, (_, n) =>
            n % 8 === 0 ? huge(() => isOver) : n % 2 === 0 ? open(LIVE_PATH) : slow(),
          )
          await sleep(1000)
          expect(clients.filter(({ readyState }) => readyState === WebSocket.OPEN).length).toBeGreaterThan(50)
          const besides = await stepMs()
          isOver = true
          for (const client of clients) client.terminate()
          await sleep(2000)
          ratios.push(besides / alone)
          console.log(`a step: ${alone.toFixed(2)} ms alone, ${besides.toFixed(2)} ms beside 64 clients`)
        }
        console.log(`median of the ratios: ${median(ratios).toFixed(3)}`)
        expect(median(ratios)).toBeLessThanOrEqual(1.05)
      },
      ROUNDS * (2 * PHASE_S + 5) * 1000 + 60_000,
    )
  })
})
