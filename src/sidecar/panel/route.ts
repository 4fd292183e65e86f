import type { IncomingMessage } from 'node:http'
import type { Static, TObject, TSchema } from 'typebox'

/** A request that was let in, its parts checked against the route's schema. */
export interface Call<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** For bodies that are streamed. */
  readonly request: IncomingMessage
}

/** An answer that is not 200 with JSON. */
export class Answer {
  constructor(
    readonly status: number,
    /** JSON where it is an object; undefined: no body. */
    readonly body?: unknown,
    /** Content type of a text. */
    readonly type?: string,
  ) {}
}

interface RouteSchemas {
  readonly params?: TObject | undefined
  readonly query?: TObject | undefined
  /** Of a JSON body; `stream`: bytes, which the handler reads. */
  readonly body?: TSchema | 'stream' | undefined
}

type StaticOr<S, Otherwise> = S extends TSchema ? Static<S> : Otherwise

/**
 * One row of the flat table of all routes. Every one is closed to strangers (reliability row 13), and every one that is
 * not GET is a write.
 */
export interface Route<S extends RouteSchemas = RouteSchemas> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As OpenAPI writes it, with `{id}` for what is in it. */
  readonly path: string
  readonly tag: string
  /** One sentence, for docs/api.md. */
  readonly summary: string
  readonly schemas: S
  /** Of the JSON that it answers with 200; or the content type of the text. Neither: it answers 204. */
  readonly answer?: TSchema | string | undefined
  /** Where it may answer the same with 202: when. */
  readonly accepted?: string | undefined
  /** Example of a body, for docs/api.md. */
  readonly example?: unknown
  /** @throws {MatteboxError} answered as 4xx or 5xx by its code */
  readonly handle: (
    call: Call<StaticOr<S['params'], undefined>, StaticOr<S['query'], undefined>, StaticOr<S['body'], undefined>>,
  ) => unknown
}

/** Keeps the types of one row while it is written. */
export function route<const S extends RouteSchemas>(row: Route<S>): Route {
  return row
}
