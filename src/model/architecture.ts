/**
 * The numbers of the network (paper section 2): everything that gives the weights their shapes.
 *
 * Sources: MobileNetV3-Large with its last stage dilated instead of strided (paper section 2.1; Howard et al. 2019,
 * table 1), decoder and refiner widths of the published implementation (PeterL1n/RobustVideoMatting).
 */

/** One inverted-residual block of MobileNetV3: `expanded` equal to `input` means no expansion. */
export interface InvertedResidual {
  readonly input: number
  readonly kernel: 3 | 5
  readonly expanded: number
  readonly output: number
  /** Channels inside squeeze-and-excitation; 0 = none. */
  readonly squeeze: number
  readonly activation: 'relu' | 'hardSwish'
  readonly stride: 1 | 2
  readonly dilation: 1 | 2
}

const block = (
  input: number,
  kernel: 3 | 5,
  expanded: number,
  output: number,
  squeeze: number,
  activation: 'relu' | 'hardSwish',
  stride: 1 | 2,
  dilation: 1 | 2 = 1,
): InvertedResidual => ({ input, kernel, expanded, output, squeeze, activation, stride, dilation })

/** Features 1..15 of the backbone; feature 0 is the stem, feature 16 the last 1x1 convolution. */
export const INVERTED_RESIDUALS: readonly InvertedResidual[] = [
  block(16, 3, 16, 16, 0, 'relu', 1),
  block(16, 3, 64, 24, 0, 'relu', 2),
  block(24, 3, 72, 24, 0, 'relu', 1),
  block(24, 5, 72, 40, 24, 'relu', 2),
  block(40, 5, 120, 40, 32, 'relu', 1),
  block(40, 5, 120, 40, 32, 'relu', 1),
  block(40, 3, 240, 80, 0, 'hardSwish', 2),
  block(80, 3, 200, 80, 0, 'hardSwish', 1),
  block(80, 3, 184, 80, 0, 'hardSwish', 1),
  block(80, 3, 184, 80, 0, 'hardSwish', 1),
  block(80, 3, 480, 112, 120, 'hardSwish', 1),
  block(112, 3, 672, 112, 168, 'hardSwish', 1),
  block(112, 5, 672, 160, 168, 'hardSwish', 1, 2),
  block(160, 5, 960, 160, 240, 'hardSwish', 1, 2),
  block(160, 5, 960, 160, 240, 'hardSwish', 1, 2),
]

export const STEM_CHANNELS = 16
export const LAST_CHANNELS = 960
export const ASPP_CHANNELS = 128

/** The features that the decoder takes, at 1/2, 1/4, 1/8 and 1/16 of the low resolution: index and channels. */
export const ENCODER_TAPS = [
  { feature: 1, channels: 16 },
  { feature: 3, channels: 24 },
  { feature: 6, channels: 40 },
  { feature: 16, channels: LAST_CHANNELS },
] as const

/** Output channels of the upsampling blocks at 1/8, 1/4, 1/2, and of the output block at full low resolution. */
export const DECODER_CHANNELS = { decode3: 80, decode2: 40, decode1: 32, decode0: 16 } as const

/** Channels of the recurrent states r1..r4, at 1/2, 1/4, 1/8 and 1/16: half of their block's output. */
export const STATE_CHANNELS = [
  DECODER_CHANNELS.decode1 / 2,
  DECODER_CHANNELS.decode2 / 2,
  DECODER_CHANNELS.decode3 / 2,
  ASPP_CHANNELS / 2,
] as const

/** Channels between the convolutions of the deep guided filter. */
export const REFINER_CHANNELS = 16

/** Every side of the low resolution is a multiple of this: the coarsest features are at 1/16. */
export const SIZE_MULTIPLE = 16

/** ImageNet's mean and standard deviation, RGB, of pictures in 0..1: the encoder's input normalisation. */
export const IMAGE_MEAN = [0.485, 0.456, 0.406] as const
export const IMAGE_STD = [0.229, 0.224, 0.225] as const
