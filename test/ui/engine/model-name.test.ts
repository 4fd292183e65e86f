import { describe, expect, it } from 'vitest'
import { nameOfFile } from '../../../src/ui/engine/model-name.ts'

/** As src/models/model-location.ts takes them. */
const TAKEN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

// Seen red without the first characters cut, and without the length.
describe('the name that is offered for a model file', () => {
  it('is the file’s, without folder and ending', () => {
    expect(nameOfFile('rvm_mobilenetv3_fp32.onnx')).toBe('rvm_mobilenetv3_fp32')
    expect(nameOfFile('C:\\fakepath\\Mine.SAFETENSORS')).toBe('Mine')
  })

  it.each(['mein Modell (2).safetensors', '.hidden.onnx', '-x.onnx', `${'long'.repeat(40)}.onnx`, 'ä-1.onnx'])(
    'is one that mattebox takes: %s',
    (file) => expect(nameOfFile(file)).toMatch(TAKEN),
  )

  it('is left to the user where nothing of it is left', () => {
    expect(nameOfFile('模型.onnx')).toBe('')
  })
})
