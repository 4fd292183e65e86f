/* native/channel/half.c - float32 planes to the fp16 texels of struct mb_matte.
 *
 * Two ways with the same bits: portable, and F16C where the processor has it. Half a million coefficients a frame are
 * too many for the portable way alone. */
#include <errno.h>
#include <string.h>

#include "channel.h"
#include "half.h"

/* fp16's largest finite value, 65504, and float32's infinity, as bits. */
#define FLOAT_LARGEST_HALF 0x477fe000u
#define FLOAT_INFINITY 0x7f800000u
/* 2^-14, fp16's smallest normal value. */
#define FLOAT_SMALLEST_NORMAL_HALF 0x38800000u
/* 2^-25: half of fp16's smallest value, which rounds to the even 0. */
#define FLOAT_ROUNDS_TO_ZERO 0x33000000u

/* `magnitude`: the bits of a finite value without its sign. */
static uint16_t half_of_magnitude(uint32_t magnitude)
{
	if (magnitude > FLOAT_LARGEST_HALF)
		magnitude = FLOAT_LARGEST_HALF;
	if (magnitude >= FLOAT_SMALLEST_NORMAL_HALF) {
		/* The exponent's bias goes from 127 to 15; what is cut off is 13 bits wide. */
		const uint32_t rebiased = magnitude - (112u << 23);
		return (uint16_t)((rebiased + 0xfffu + ((rebiased >> 13) & 1u)) >> 13);
	}
	if (magnitude <= FLOAT_ROUNDS_TO_ZERO)
		return 0;
	/* A subnormal counts units of 2^-24. */
	const uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
	const uint32_t shift = 126u - (magnitude >> 23);
	const uint32_t units = mantissa >> shift;
	const uint32_t rest = mantissa & ((1u << shift) - 1u);
	const uint32_t tie = 1u << (shift - 1u);
	return (uint16_t)(units + (rest > tie || (rest == tie && (units & 1u))));
}

/* Texels of one image, `first`..`end`: channel c of texel i is planes[c * stride + i]. */
static int encode_portable(
        const float *planes, size_t stride, uint32_t channels, size_t first, size_t end, unsigned char *out)
{
	for (size_t i = first; i < end; i++) {
		for (size_t c = 0; c < channels; c++) {
			uint32_t bits;
			memcpy(&bits, &planes[c * stride + i], sizeof(bits));
			const uint32_t magnitude = bits & 0x7fffffffu;
			if (magnitude >= FLOAT_INFINITY)
				return -EDOM;
			const uint16_t half = (uint16_t)((bits >> 16 & 0x8000u) | half_of_magnitude(magnitude));
			memcpy(out + (i * channels + c) * sizeof(half), &half, sizeof(half));
		}
	}
	return 0;
}

/* The channels of each image that `count` planes make; 0 for another count. */
static uint32_t channels_of(uint32_t count)
{
	return count == 2 ? 2 : count == MB_PLANES_MAX ? 4 : 0;
}

int mb_matte_encode_portable(const float *planes, uint32_t count, uint32_t width, uint32_t height, unsigned char *out)
{
	const size_t pixels = (size_t)width * height;
	const uint32_t channels = channels_of(count);

	if (channels == 0)
		return -EINVAL;
	for (size_t plane = 0; plane < count; plane += channels) {
		const int result = encode_portable(
		        planes + plane * pixels, pixels, channels, 0, pixels, out + plane * pixels * sizeof(uint16_t));
		if (result != 0)
			return result;
	}
	return 0;
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define F16C __attribute__((target("avx,f16c")))

/* Eight values to halves. Sets a bit of `*bad` in each lane that is NaN or infinite. */
F16C static inline __m128i eight_halves(const float *values, __m256 *bad)
{
	const __m256 sign = _mm256_set1_ps(-0.0f);
	const __m256 largest = _mm256_set1_ps(65504.0f);
	const __m256 finite = _mm256_set1_ps(3.40282347e38f);
	const __m256 value = _mm256_loadu_ps(values);
	const __m256 magnitude = _mm256_andnot_ps(sign, value);

	*bad = _mm256_or_ps(*bad, _mm256_cmp_ps(magnitude, finite, _CMP_NLE_UQ));
	const __m256 clamped = _mm256_or_ps(_mm256_min_ps(magnitude, largest), _mm256_and_ps(sign, value));
	return _mm256_cvtps_ph(clamped, _MM_FROUND_TO_NEAREST_INT);
}

F16C static inline void store(unsigned char *out, __m128i eight)
{
	_mm_storeu_si128((__m128i *)(void *)out, eight);
}

F16C static int encode_two_f16c(const float *planes, size_t pixels, unsigned char *out)
{
	__m256 bad = _mm256_setzero_ps();
	size_t i = 0;

	for (; i + 8 <= pixels; i += 8) {
		const __m128i a = eight_halves(planes + i, &bad);
		const __m128i b = eight_halves(planes + pixels + i, &bad);
		store(out + i * 4, _mm_unpacklo_epi16(a, b));
		store(out + i * 4 + 16, _mm_unpackhi_epi16(a, b));
	}
	if (_mm256_movemask_ps(bad) != 0)
		return -EDOM;
	return encode_portable(planes, pixels, 2, i, pixels, out);
}

F16C static int encode_four_f16c(const float *planes, size_t pixels, unsigned char *out)
{
	__m256 bad = _mm256_setzero_ps();
	size_t i = 0;

	for (; i + 8 <= pixels; i += 8) {
		const __m128i r = eight_halves(planes + i, &bad);
		const __m128i g = eight_halves(planes + pixels + i, &bad);
		const __m128i b = eight_halves(planes + 2 * pixels + i, &bad);
		const __m128i a = eight_halves(planes + 3 * pixels + i, &bad);
		const __m128i rg_low = _mm_unpacklo_epi16(r, g);
		const __m128i rg_high = _mm_unpackhi_epi16(r, g);
		const __m128i ba_low = _mm_unpacklo_epi16(b, a);
		const __m128i ba_high = _mm_unpackhi_epi16(b, a);
		store(out + i * 8, _mm_unpacklo_epi32(rg_low, ba_low));
		store(out + i * 8 + 16, _mm_unpackhi_epi32(rg_low, ba_low));
		store(out + i * 8 + 32, _mm_unpacklo_epi32(rg_high, ba_high));
		store(out + i * 8 + 48, _mm_unpackhi_epi32(rg_high, ba_high));
	}
	if (_mm256_movemask_ps(bad) != 0)
		return -EDOM;
	return encode_portable(planes, pixels, 4, i, pixels, out);
}

static int encode_f16c(const float *planes, uint32_t count, size_t pixels, unsigned char *out)
{
	if (count == 2)
		return encode_two_f16c(planes, pixels, out);
	const int result = encode_four_f16c(planes, pixels, out);
	if (result != 0)
		return result;
	return encode_four_f16c(planes + 4 * pixels, pixels, out + 4 * pixels * sizeof(uint16_t));
}

/* Asked once: a virtual machine leaves the guest for it. Not by __builtin_cpu_supports alone: clang's does not know
 * f16c; its `avx` says that the operating system keeps the registers. */
static bool has_f16c(void)
{
	static _Atomic int known; /* 0 not yet, 1 no, 2 yes */
	int answer = atomic_load_explicit(&known, memory_order_relaxed);

	if (answer == 0) {
		unsigned int eax, ebx, ecx, edx;
		const bool has = __builtin_cpu_supports("avx") && __get_cpuid(1, &eax, &ebx, &ecx, &edx) &&
		                 (ecx & bit_F16C) != 0;
		answer = has ? 2 : 1;
		atomic_store_explicit(&known, answer, memory_order_relaxed);
	}
	return answer == 2;
}

int mb_matte_encode(const float *planes, uint32_t count, uint32_t width, uint32_t height, unsigned char *out)
{
	if (channels_of(count) != 0 && has_f16c())
		return encode_f16c(planes, count, (size_t)width * height, out);
	return mb_matte_encode_portable(planes, count, width, height, out);
}

#else

int mb_matte_encode(const float *planes, uint32_t count, uint32_t width, uint32_t height, unsigned char *out)
{
	return mb_matte_encode_portable(planes, count, width, height, out);
}

#endif
