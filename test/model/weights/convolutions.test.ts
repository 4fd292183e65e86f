import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CONVOLUTIONS, expectedTensors, OPTIONAL_TENSORS } from '../../../src/model/weights/convolutions.ts'
import { readSafetensors } from '../../../src/model/weights/safetensors.ts'
import { describeWithSharedData } from '../../shared-data.ts'

const numbersUnder = (prefix: string): number =>
  Array.from(expectedTensors())
    .filter(([name]) => name.startsWith(`${prefix}.`))
    .reduce((sum, [, shape]) => sum + shape.reduce((product, side) => product * side, 1), 0)

describe('the parameters of the network', () => {
  it('are 162 tensors of the published sizes, and the segmentation head', () => {
    expect(expectedTensors().size).toBe(162 + OPTIONAL_TENSORS.size)
    expect(Array.from(OPTIONAL_TENSORS)).toEqual(['project_seg.conv.weight', 'project_seg.conv.bias'])
    expect(
      Object.fromEntries(
        ['backbone', 'aspp', 'decoder', 'project_mat', 'refiner'].map((part) => [part, numbersUnder(part)]),
      ),
    ).toEqual({ backbone: 2_959_752, aspp: 245_888, decoder: 529_588, project_mat: 68, refiner: 776 })
  })

  it('have the published shapes', () => {
    const tensors = expectedTensors()
    expect(tensors.get('backbone.features.0.0.weight')).toEqual([16, 3, 3, 3])
    expect(tensors.get('backbone.features.1.block.0.0.weight')).toEqual([16, 1, 3, 3])
    expect(tensors.get('backbone.features.4.block.2.fc1.weight')).toEqual([24, 72, 1, 1])
    expect(tensors.get('backbone.features.13.block.1.0.weight')).toEqual([672, 1, 5, 5])
    expect(tensors.get('decoder.decode3.conv.0.weight')).toEqual([80, 171, 3, 3])
    expect(tensors.get('decoder.decode1.gru.ih.0.bias')).toEqual([32])
    expect(tensors.get('decoder.decode0.conv.3.weight')).toEqual([16, 16, 3, 3])
    expect(tensors.get('refiner.conv.0.weight')).toEqual([16, 24, 1, 1])
    expect(tensors.get('project_seg.conv.weight')).toEqual([1, 16, 1, 1])
  })

  it('have no bias where the published code has none', () => {
    const without = CONVOLUTIONS.filter(({ bias }) => !bias).map(({ name }) => name)
    expect(without).toEqual(['aspp.aspp2.1', 'refiner.box_filter'])
  })

  it('know the BatchNorm of each convolution, with its epsilon', () => {
    const norm = (name: string) => CONVOLUTIONS.find((convolution) => convolution.name === name)?.batchNorm
    expect(norm('backbone.features.0.0')).toEqual({ name: 'backbone.features.0.1', epsilon: 1e-3 })
    expect(norm('backbone.features.16.0')).toEqual({ name: 'backbone.features.16.1', epsilon: 1e-3 })
    expect(norm('backbone.features.7.block.2.0')).toEqual({ name: 'backbone.features.7.block.2.1', epsilon: 1e-3 })
    expect(norm('backbone.features.4.block.2.fc1')).toBeUndefined()
    expect(norm('aspp.aspp1.0')).toEqual({ name: 'aspp.aspp1.1', epsilon: 1e-5 })
    expect(norm('decoder.decode3.conv.0')).toEqual({ name: 'decoder.decode3.conv.1', epsilon: 1e-5 })
    expect(norm('decoder.decode0.conv.3')).toEqual({ name: 'decoder.decode0.conv.4', epsilon: 1e-5 })
    expect(norm('decoder.decode4.gru.ih.0')).toBeUndefined()
    expect(norm('refiner.conv.3')).toEqual({ name: 'refiner.conv.4', epsilon: 1e-5 })
    expect(norm('refiner.conv.6')).toBeUndefined()
  })

  it('differ in their places: no two of one shape read the same convolutions', () => {
    const places = CONVOLUTIONS.flatMap(({ shape, groups, stride, dilation, bias, places: all }) =>
      all.map((place) => JSON.stringify([shape, groups, stride, dilation, bias, [...place].sort()])),
    )
    expect(new Set(places).size).toBe(places.length)
  })
})

describeWithSharedData('the published tensor list', (folder) => {
  it('is the one that the architecture gives, name by name', () => {
    const path = join(folder, 'weights', 'rvm-standin.safetensors')
    const { tensors } = readSafetensors(readFileSync(path), path)
    const wanted = Array.from(expectedTensors()).filter(([name]) => !OPTIONAL_TENSORS.has(name))
    const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) => (one < other ? -1 : 1)
    expect(Array.from(tensors, ([name, { shape }]) => [name, shape] as const).sort(byName)).toEqual(wanted.sort(byName))
  })
})
