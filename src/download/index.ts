export { download, type DownloadOptions } from './download.ts'
export type { PublicFile } from './public-file.ts'
export { sizeText } from './size-text.ts'
