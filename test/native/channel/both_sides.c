#include "both_sides.h"

#include <string.h>
#include <unistd.h>

#include "expect.h"

struct both_sides both_sides_open(uint32_t width, uint32_t height)
{
	struct both_sides both;
	const char *why = NULL;

	EXPECT_EQUAL(mb_memory_create(&both.filter, width, height), 0);
	EXPECT_EQUAL(mb_memory_adopt(&both.sidecar, dup(both.filter.fd), &why), 0);
	return both;
}

void both_sides_close(struct both_sides *both)
{
	mb_memory_close(&both->filter);
	mb_memory_close(&both->sidecar);
}

struct mb_ring *frames_ring(const struct mb_memory *memory)
{
	return (struct mb_ring *)(void *)(memory->base + memory->header.frames);
}

struct mb_ring *mattes_ring(const struct mb_memory *memory)
{
	return (struct mb_ring *)(void *)(memory->base + memory->header.mattes);
}

struct mb_frame right_frame(const struct mb_memory *memory, uint64_t id)
{
	return (struct mb_frame){
	        .id = id,
	        .timestamp_ns = mb_now_ns(),
	        .epoch = 1,
	        .reason = MB_RESET_FIRST,
	        .width = memory->header.width,
	        .height = memory->header.height,
	        .source_width = 1920,
	        .source_height = 1080,
	};
}

struct mb_matte right_matte(const struct mb_memory *memory, uint64_t frame_id, uint32_t planes)
{
	return (struct mb_matte){
	        .frame_id = frame_id,
	        .taken_ns = 1,
	        .answered_ns = 2,
	        .epoch = 1,
	        .planes = planes,
	        .width = memory->header.width,
	        .height = memory->header.height,
	};
}

static uint32_t word_of(uint64_t id, size_t at)
{
	return (uint32_t)id * 2654435761u + (uint32_t)at;
}

void fill_from_id(unsigned char *out, size_t bytes, uint64_t id)
{
	for (size_t at = 0; at < bytes; at += sizeof(uint32_t)) {
		const uint32_t word = word_of(id, at);
		memcpy(out + at, &word, sizeof(word));
	}
}

bool is_filled_from_id(const unsigned char *in, size_t bytes, uint64_t id)
{
	uint32_t wrong = 0;

	for (size_t at = 0; at < bytes; at += sizeof(uint32_t)) {
		uint32_t word;
		memcpy(&word, in + at, sizeof(word));
		wrong |= word ^ word_of(id, at);
	}
	return wrong == 0;
}
