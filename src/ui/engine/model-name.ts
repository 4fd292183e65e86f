/** What a model is called after its file: letters, digits, dots, dashes and underscores, at most 64. */
export function nameOfFile(file: string): string {
  return file
    .replace(/^.*[/\\]/, '')
    .replace(/\.(safetensors|onnx)$/i, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64)
}
