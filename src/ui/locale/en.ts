/** Every sentence of the panel, by page. */
export const en = {
  product: 'mattebox',
  pages: { sources: 'Sources', try: 'Try it', obs: 'OBS', engine: 'Engine', figures: 'Figures' },
  connection: {
    away: 'mattebox is not running. This page comes back by itself when it is.',
    waiting: 'Connecting …',
  },
  sources: {},
  try: {},
  obs: {},
  engine: {},
  figures: {},
} as const
