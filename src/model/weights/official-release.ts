/** The published weights: release v1.0.0 of PeterL1n/RobustVideoMatting, MobileNetV3 (Lin et al. 2021). */
export const OFFICIAL_RELEASE = {
  name: 'rvm-mobilenetv3',
  file: 'rvm_mobilenetv3_fp32.onnx',
  address: 'https://github.com/PeterL1n/RobustVideoMatting/releases/download/v1.0.0/rvm_mobilenetv3_fp32.onnx',
  sha256: '88d4531297118f595bf2fd60f6f566aec2e559393802d1f436c380f0cbbd2828',
  licence: 'GPL-3.0',
} as const
