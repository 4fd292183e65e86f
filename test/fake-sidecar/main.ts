import { FakeSidecar, type FakeSidecarOptions } from './fake-sidecar.ts'
import type { Call, FromFake, ToFake } from './fake-sidecar-process.ts'

/** The process behind `FakeSidecarProcess`. */

const sidecar = new FakeSidecar(JSON.parse(process.argv[2]) as FakeSidecarOptions)

process.on('message', (message: ToFake) => {
  switch (message.to) {
    case 'behave':
      return sidecar.behave(message.changes)
    case 'call':
      return call(message.connection, message.call)
    case 'report': {
      const { frames, messages, refused, connections, open } = sidecar
      const counters = connections.map((connection) => connection.counters)
      return say({ from: 'report', report: { frames, messages, refused, counters, open: open.length } })
    }
  }
})
// The test is gone.
process.on('disconnect', () => process.exit())
say({ from: 'listening' })

function call(number: number, called: Call): void {
  const connection = sidecar.connections[number]
  const { channel } = connection
  switch (called.method) {
    case 'set':
      return channel.set(called.argument)
    case 'cover':
      return channel.cover(called.argument)
    case 'reset':
      return channel.reset()
    case 'bye':
      return channel.bye()
    case 'close':
      return channel.close()
    case 'breakIndexes':
      return connection.breakIndexes()
    case 'sendText':
      connection.sendText(called.name as Parameters<typeof connection.sendText>[0], called.text)
  }
}

function say(message: FromFake): void {
  process.send!(message)
}
