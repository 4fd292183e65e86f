import { once } from 'node:events'
import { createConnection, createServer, type AddressInfo, type Server } from 'node:net'

/** Leads to another port of this machine, and counts who said something on the way. */
export class CountedWay {
  knocks = 0

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<CountedWay> {
    const server = createServer()
    const way = new CountedWay(server)
    server.on('connection', (from) => {
      from.once('data', () => way.knocks++)
      const to = createConnection(port, '127.0.0.1')
      from.pipe(to).pipe(from)
      for (const [one, other] of [
        [from, to],
        [to, from],
      ])
        one.on('error', () => other.destroy()).on('close', () => other.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return way
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  close(): void {
    this.server.close()
  }
}
