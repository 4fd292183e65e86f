/* native/channel/ring.c - frames and mattes, handed over without a lock. wire.h says who may read and write what. */
#include <errno.h>
#include <string.h>

#include "channel.h"

/* Both kinds of slot begin with as many bytes; they are copied as words that are loaded exactly once each, so that
 * what was checked is what is used, whatever the peer writes meanwhile. */
#define SLOT_WORDS 6
static_assert(sizeof(struct mb_frame) == SLOT_WORDS * sizeof(uint64_t), "a frame's slot");
static_assert(sizeof(struct mb_matte) == SLOT_WORDS * sizeof(uint64_t), "a matte's slot");

static void copy_from_slot(void *out, const unsigned char *slot)
{
	const volatile uint64_t *shared = (const volatile uint64_t *)(const void *)slot;
	uint64_t words[SLOT_WORDS];

	for (size_t i = 0; i < SLOT_WORDS; i++)
		words[i] = shared[i];
	memcpy(out, words, sizeof(words));
}

static void copy_to_slot(unsigned char *slot, const void *in)
{
	volatile uint64_t *shared = (volatile uint64_t *)(void *)slot;
	uint64_t words[SLOT_WORDS];

	memcpy(words, in, sizeof(words));
	for (size_t i = 0; i < SLOT_WORDS; i++)
		shared[i] = words[i];
}

static struct mb_ring *frames_of(const struct mb_memory *memory)
{
	return (struct mb_ring *)(void *)(memory->base + memory->header.frames);
}

static struct mb_ring *mattes_of(const struct mb_memory *memory)
{
	return (struct mb_ring *)(void *)(memory->base + memory->header.mattes);
}

static unsigned char *frame_slot(const struct mb_memory *memory)
{
	const size_t slot = memory->frame_index % MB_SLOTS;
	return memory->base + memory->header.frames + MB_ALIGN + slot * memory->header.frame_stride;
}

static unsigned char *matte_slot(const struct mb_memory *memory)
{
	const size_t slot = memory->matte_index % MB_SLOTS;
	return memory->base + memory->header.mattes + MB_ALIGN + slot * memory->header.matte_stride;
}

/* Whether the writer whose own index is `head` has a free slot. Broken indexes look like a full ring. */
static bool has_room(struct mb_ring *ring, uint32_t head)
{
	return head - atomic_load_explicit(&ring->tail, memory_order_acquire) < MB_SLOTS;
}

/* How many slots wait for the reader whose own index is `tail`: 0..MB_SLOTS, or -EPROTO. */
static int waiting(struct mb_ring *ring, uint32_t tail)
{
	const uint32_t count = atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
	return count <= MB_SLOTS ? (int)count : -EPROTO;
}

/* --- frames ------------------------------------------------------------------------------------------------------ */

unsigned char *mb_frame_begin(struct mb_memory *memory)
{
	return has_room(frames_of(memory), memory->frame_index) ? frame_slot(memory) + MB_SLOT_DATA : NULL;
}

void mb_frame_commit(struct mb_memory *memory, const struct mb_frame *frame)
{
	copy_to_slot(frame_slot(memory), frame);
	memory->frame_index++;
	atomic_store_explicit(&frames_of(memory)->head, memory->frame_index, memory_order_release);
}

static bool is_source_side(uint32_t side)
{
	return side >= 1 && side <= UINT16_MAX;
}

static bool is_frame(const struct mb_memory *memory, const struct mb_frame *frame)
{
	return frame->id != 0 && frame->epoch != 0 && frame->reason > MB_RESET_NONE &&
	       frame->reason < MB_RESET_FILTER_REASONS && frame->width == memory->header.width &&
	       frame->height == memory->header.height && is_source_side(frame->source_width) &&
	       is_source_side(frame->source_height) && frame->flags == 0 && frame->reserved == 0;
}

int mb_frames_waiting(const struct mb_memory *memory)
{
	return waiting(frames_of(memory), memory->frame_index);
}

int mb_frame_peek(struct mb_memory *memory, struct mb_frame *frame, const unsigned char **pixels)
{
	const int count = mb_frames_waiting(memory);
	if (count <= 0)
		return count;
	copy_from_slot(frame, frame_slot(memory));
	if (!is_frame(memory, frame))
		return -EPROTO;
	*pixels = frame_slot(memory) + MB_SLOT_DATA;
	return 1;
}

void mb_frame_pop(struct mb_memory *memory)
{
	memory->frame_index++;
	atomic_store_explicit(&frames_of(memory)->tail, memory->frame_index, memory_order_release);
}

/* --- mattes ------------------------------------------------------------------------------------------------------ */

unsigned char *mb_matte_begin(struct mb_memory *memory)
{
	return has_room(mattes_of(memory), memory->matte_index) ? matte_slot(memory) + MB_SLOT_DATA : NULL;
}

void mb_matte_commit(struct mb_memory *memory, const struct mb_matte *matte)
{
	copy_to_slot(matte_slot(memory), matte);
	memory->matte_index++;
	atomic_store_explicit(&mattes_of(memory)->head, memory->matte_index, memory_order_release);
}

static bool is_matte(const struct mb_memory *memory, const struct mb_matte *matte)
{
	const bool reason_fits = matte->reason == MB_RESET_NONE ||
	                         (matte->reason >= MB_RESET_FILTER_REASONS && matte->reason < MB_RESET_REASONS);
	return matte->frame_id != 0 && matte->epoch != 0 && (matte->planes == 2 || matte->planes == MB_PLANES_MAX) &&
	       matte->width == memory->header.width && matte->height == memory->header.height && reason_fits &&
	       matte->reserved == 0;
}

int mb_mattes_unread(const struct mb_memory *memory)
{
	const uint32_t count =
	        memory->matte_index - atomic_load_explicit(&mattes_of(memory)->tail, memory_order_relaxed);
	return count <= MB_SLOTS ? (int)count : -EPROTO;
}

int mb_mattes_waiting(const struct mb_memory *memory)
{
	return waiting(mattes_of(memory), memory->matte_index);
}

int mb_matte_peek(struct mb_memory *memory, struct mb_matte *matte, const unsigned char **coefficients)
{
	const int count = mb_mattes_waiting(memory);
	if (count <= 0)
		return count;
	copy_from_slot(matte, matte_slot(memory));
	if (!is_matte(memory, matte))
		return -EPROTO;
	*coefficients = matte_slot(memory) + MB_SLOT_DATA;
	return 1;
}

void mb_matte_pop(struct mb_memory *memory)
{
	memory->matte_index++;
	atomic_store_explicit(&mattes_of(memory)->tail, memory->matte_index, memory_order_release);
}

size_t mb_matte_bytes(const struct mb_memory *memory, uint32_t planes)
{
	return (size_t)memory->header.width * memory->header.height * planes * sizeof(uint16_t);
}
