/** The addresses of the two WebSockets; sockets.ts says what they carry. */
export const LIVE_PATH = '/api/live'
export const TRY_PATH = '/api/try'
