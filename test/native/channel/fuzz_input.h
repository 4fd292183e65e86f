/* test/native/channel/fuzz_input.h - reads a fuzzer's bytes one after the other; zeros when they are over. */
#ifndef MB_TEST_FUZZ_INPUT_H
#define MB_TEST_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline void fuzz_bytes(struct fuzz_input *input, void *out, size_t bytes)
{
	const size_t have = bytes < input->left ? bytes : input->left;

	memset(out, 0, bytes);
	memcpy(out, input->at, have);
	input->at += have;
	input->left -= have;
}

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
	uint8_t byte;
	fuzz_bytes(input, &byte, sizeof(byte));
	return byte;
}

static inline uint32_t fuzz_word(struct fuzz_input *input)
{
	uint32_t word;
	fuzz_bytes(input, &word, sizeof(word));
	return word;
}

/* What the fuzzer must not be able to make false; holds in release builds too. */
#define MUST(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

#endif
