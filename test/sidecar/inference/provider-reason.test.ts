import { describe, expect, it } from 'vitest'
import { explainFailure } from '../../../src/sidecar/inference/provider-reason.ts'

// The texts are what onnxruntime-node 1.30.0 said, on Linux x64; places in its source are shortened.
const NOT_LOADED = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library'
const dlopen = (error: string): string =>
  `2026-11-24 16:39:46 [E:onnxruntime:onnxruntime-node, provider_bridge_ort.cc:2146 Create] /onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1988 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library /somewhere/libonnxruntime_providers_cuda.so with error: ${error}\n\n`
const cudaFailure = (failure: string): string =>
  `/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:154 std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE) [with ERRTYPE = cudaError] CUDA failure ${failure} ; GPU=-1 ; hostname=vm ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider.cc ; line=352 ; expr=cudaSetDevice(info_.device_id); \n\n`
const NO_ADAPTER =
  '/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters\n'

describe('a failure of CUDA is explained', () => {
  it.each([
    [
      'one of CUDA’s libraries is missing',
      dlopen('libcublasLt.so.13: cannot open shared object file: No such file or directory'),
      { code: 'PROVIDER_NOT_INSTALLED', message: 'CUDA’s library libcublasLt.so.13 is missing.' },
      /CUDA 13.*LD_LIBRARY_PATH/,
    ],
    [
      'NVIDIA’s driver is missing',
      dlopen('libcuda.so.1: cannot open shared object file: No such file or directory'),
      { code: 'PROVIDER_DRIVER', message: 'NVIDIA’s driver is not installed (libcuda.so.1 is missing).' },
      /580/,
    ],
    [
      'the provider’s file is damaged',
      dlopen('/somewhere/libonnxruntime_providers_cuda.so: file too short'),
      { code: 'PROVIDER_NOT_INSTALLED' },
      /./,
    ],
  ])('%s', (_, stderr, reason, mend) => {
    const explained = explainFailure('cuda', NOT_LOADED, stderr)
    expect(explained).toMatchObject(reason)
    expect(explained.mend).toMatch(mend)
  })

  it.each([
    ['35: CUDA driver version is insufficient for CUDA runtime version', 'PROVIDER_DRIVER', /too old for CUDA 13/],
    ['100: no CUDA-capable device is detected', 'PROVIDER_NO_DEVICE', /finds no GPU/],
    ['999: unknown error', 'PROVIDER_FAILED', /^CUDA failed: unknown error \(error 999\)\.$/],
  ])('CUDA failure %s', (failure, code, message) => {
    const explained = explainFailure('cuda', cudaFailure(failure))
    expect(explained.code).toBe(code)
    expect(explained.message).toMatch(message)
  })
})

describe('a failure of WebGPU is explained', () => {
  it('there is no GPU with a driver', () => {
    const stderr =
      'Warning: vkCreateInstance: Found no drivers!\nWarning: vkCreateInstance failed\n    at Check (V.cpp:106)\n'
    expect(explainFailure('webgpu', NO_ADAPTER, stderr)).toMatchObject({ code: 'PROVIDER_NO_DEVICE' })
  })

  it('the driver lacks something', () => {
    const stderr =
      'Warning: Vulkan shaderUniform*ArrayDynamicIndexing required.\n - While initializing adapter (backend=BackendType::Vulkan)\n    at InitializeImpl (PhysicalDeviceVk.cpp:253)\n'
    expect(explainFailure('webgpu', NO_ADAPTER, stderr)).toMatchObject({
      code: 'PROVIDER_DRIVER',
      message: 'The Vulkan driver lacks what WebGPU needs: Vulkan shaderUniform*ArrayDynamicIndexing required.',
    })
  })
})

describe('a failure that nobody has seen', () => {
  it('is told in the runtime’s words, shortened, without the place in its source', () => {
    const message = `/onnxruntime_src/onnxruntime/core/some/file.cc:12 something strange ${'x'.repeat(5000)}`
    const explained = explainFailure('webgpu', message)
    expect(explained.code).toBe('PROVIDER_FAILED')
    expect(explained.message).toMatch(/^WebGPU failed: something strange x+ …$/)
    expect(explained.message.length).toBeLessThan(450)
  })
})
