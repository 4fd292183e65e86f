/* The peer has written anything into the rings, and writes on between our calls: what is handed out keeps to wire.h and
 * lies inside the memory. */
#include <errno.h>

#include "channel.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { width = 32, height = 16, operations_max = 64 };

static struct mb_memory memory;

static void expect_inside(const unsigned char *data, size_t bytes)
{
	MUST(data > memory.base && data + bytes <= memory.base + memory.header.bytes);
}

/* Reads every byte, so that a wrong place is found by the sanitizer. */
static void read_all(const unsigned char *data, size_t bytes)
{
	static volatile unsigned char sink;
	unsigned char all = 0;

	expect_inside(data, bytes);
	for (size_t i = 0; i < bytes; i++)
		all ^= data[i];
	sink = all;
	(void)sink;
}

static struct mb_ring *ring_at(uint64_t offset)
{
	return (struct mb_ring *)(void *)(memory.base + offset);
}

static void store(_Atomic uint32_t *index, uint32_t value)
{
	atomic_store_explicit(index, value, memory_order_relaxed);
}

/* Mostly an index that could be right, sometimes any. */
static uint32_t index_near(struct fuzz_input *input, uint32_t own)
{
	const uint8_t kind = fuzz_byte(input);
	return kind < 0xe0 ? own + kind % (MB_SLOTS + 2) - 1 : fuzz_word(input);
}

/* Three slots of four begin right. */
static void write_slot(struct fuzz_input *input, unsigned char *slot, bool is_frame)
{
	const struct mb_frame frame = {.id = 1,
	        .epoch = 1,
	        .reason = MB_RESET_FIRST,
	        .width = width,
	        .height = height,
	        .source_width = 1,
	        .source_height = 1};
	const struct mb_matte matte = {.frame_id = 1, .epoch = 1, .planes = 8, .width = width, .height = height};
	const uint8_t kind = fuzz_byte(input);

	if ((kind & 3) == 0) {
		fuzz_bytes(input, slot, sizeof(frame));
		return;
	}
	memcpy(slot, is_frame ? (const void *)&frame : (const void *)&matte, sizeof(frame));
	for (int changes = kind >> 2 & 3; changes > 0; changes--) {
		const size_t at = fuzz_byte(input) % sizeof(frame);
		slot[at] ^= fuzz_byte(input);
	}
}

static void act_as_peer(struct fuzz_input *input)
{
	const uint8_t where = fuzz_byte(input);
	const size_t slot = where & 3;
	const struct mb_header *header = &memory.header;

	switch (where >> 2 & 3) {
	case 0:
		store(&ring_at(header->frames)->head, index_near(input, memory.frame_index));
		store(&ring_at(header->frames)->tail, index_near(input, memory.frame_index));
		break;
	case 1:
		store(&ring_at(header->mattes)->head, index_near(input, memory.matte_index));
		store(&ring_at(header->mattes)->tail, index_near(input, memory.matte_index));
		break;
	case 2:
		write_slot(input, memory.base + header->frames + MB_ALIGN + slot * header->frame_stride, true);
		break;
	default:
		write_slot(input, memory.base + header->mattes + MB_ALIGN + slot * header->matte_stride, false);
	}
	/* The header is the peer's to spoil too. */
	memory.base[fuzz_byte(input) % sizeof(*header)] = where;
}

/* What must be said of a ring, by definition. */
static int waiting_in(uint64_t ring, uint32_t own)
{
	const uint32_t distance = atomic_load(&ring_at(ring)->head) - own;
	return distance <= MB_SLOTS ? (int)distance : -EPROTO;
}

static void read_frame(void)
{
	struct mb_frame frame;
	const unsigned char *pixels;
	const int waiting = waiting_in(memory.header.frames, memory.frame_index);
	const int result = mb_frame_peek(&memory, &frame, &pixels);

	MUST(mb_frames_waiting(&memory) == waiting);
	if (waiting <= 0)
		MUST(result == waiting);
	else
		MUST(result == 1 || result == -EPROTO);
	if (result != 1)
		return;
	MUST(frame.id && frame.epoch && frame.width == width && frame.height == height && !frame.flags);
	MUST(frame.reason > MB_RESET_NONE && frame.reason < MB_RESET_FILTER_REASONS);
	MUST(frame.source_width - 1 < 65535 && frame.source_height - 1 < 65535 && !frame.reserved);
	read_all(pixels, (size_t)width * height * MB_BYTES_PER_PIXEL);
	mb_frame_pop(&memory);
}

static void read_matte(void)
{
	struct mb_matte matte;
	const unsigned char *coefficients;
	const int waiting = waiting_in(memory.header.mattes, memory.matte_index);
	const int result = mb_matte_peek(&memory, &matte, &coefficients);

	MUST(mb_mattes_waiting(&memory) == waiting);
	if (waiting <= 0)
		MUST(result == waiting);
	else
		MUST(result == 1 || result == -EPROTO);
	if (result != 1)
		return;
	MUST(matte.frame_id && matte.epoch && matte.width == width && matte.height == height && !matte.reserved);
	MUST(matte.planes == 2 || matte.planes == 8);
	MUST(matte.reason == 0 || (matte.reason >= MB_RESET_FILTER_REASONS && matte.reason < MB_RESET_REASONS));
	read_all(coefficients, mb_matte_bytes(&memory, matte.planes));
	mb_matte_pop(&memory);
}

static void write_frame(void)
{
	const struct mb_frame frame = {.id = 1};
	const size_t bytes = (size_t)width * height * MB_BYTES_PER_PIXEL;
	unsigned char *pixels = mb_frame_begin(&memory);

	if (!pixels)
		return;
	expect_inside(pixels, bytes);
	memset(pixels, 1, bytes);
	mb_frame_commit(&memory, &frame);
}

static void write_matte(void)
{
	const struct mb_matte matte = {.frame_id = 1};
	unsigned char *coefficients = mb_matte_begin(&memory);

	if (!coefficients)
		return;
	expect_inside(coefficients, mb_matte_bytes(&memory, MB_PLANES_MAX));
	memset(coefficients, 1, mb_matte_bytes(&memory, MB_PLANES_MAX));
	mb_matte_commit(&memory, &matte);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	if (!memory.base)
		MUST(mb_memory_create(&memory, width, height) == 0);
	/* Each input begins alike; pixels are nobody's business. */
	memset(memory.base + memory.header.frames, 0, sizeof(struct mb_ring));
	memset(memory.base + memory.header.mattes, 0, sizeof(struct mb_ring));
	for (size_t slot = 0; slot < MB_SLOTS; slot++) {
		memset(memory.base + memory.header.frames + MB_ALIGN + slot * memory.header.frame_stride, 0,
		        MB_SLOT_DATA);
		memset(memory.base + memory.header.mattes + MB_ALIGN + slot * memory.header.matte_stride, 0,
		        MB_SLOT_DATA);
	}
	memory.frame_index = fuzz_word(&input);
	memory.matte_index = fuzz_word(&input);
	for (int i = 0; i < operations_max && input.left > 0; i++) {
		switch (fuzz_byte(&input) % 8) {
		case 0:
			read_frame();
			break;
		case 1:
			read_matte();
			break;
		case 2:
			write_frame();
			break;
		case 3:
			write_matte();
			break;
		default:
			act_as_peer(&input);
		}
	}
	return 0;
}
