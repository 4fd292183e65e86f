/* native/channel/wire.h - what filter and sidecar say to each other: the only truth about the wire.
 *
 * A Unix SOCK_SEQPACKET socket carries messages: one byte of type, then up to MB_MESSAGE_MAX bytes of UTF-8 JSON.
 * A memfd of the filter's, passed along with `hello` and `memory`, holds two rings: frames (filter to sidecar) and
 * mattes (sidecar to filter). All numbers are little-endian and aligned by nature; every field has a fixed place. */
#ifndef MB_WIRE_H
#define MB_WIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* Raised with any change below, and with any change to the meaning of a control message. */
#define MB_WIRE_VERSION 1u
/* "MBX1" */
#define MB_MAGIC 0x3158424du
/* Longest body of a control message: 16 regions of 64 points at full precision fit. */
#define MB_MESSAGE_MAX 65536u
/* Both sides let go of a peer that has not finished the handshake by then. */
#define MB_HANDSHAKE_MS 2000u

/* Slots of either ring: one that is written, one that is read, two between. Divides 2^32: the indexes may wrap. */
#define MB_SLOTS 4u
/* Low resolution: each side a multiple of 16, 16..1024. */
#define MB_SIDE_MIN 16u
#define MB_SIDE_MAX 1024u
#define MB_SIDE_MULTIPLE 16u
#define MB_PLANES_MAX 8u
#define MB_BYTES_PER_PIXEL 4u
/* Slots and rings begin at multiples of this. */
#define MB_ALIGN 4096u

/* Types of messages. */
enum mb_message_type {
	MB_DOORBELL = 1, /* either way, no body: look at the rings */
	/* filter -> sidecar */
	MB_HELLO = 16, /* carries the memfd */
	MB_MEMORY,     /* carries the memfd of another size */
	MB_SETTINGS,
	MB_RENAMED,
	MB_SCENE,
	MB_RESET, /* either way */
	MB_STATS, /* either way */
	/* sidecar -> filter */
	MB_WELCOME = 32,
	MB_REFUSED,
	MB_READY,
	MB_SET,
	MB_COVER,
	MB_BYE,
};

/* Why the recurrent state begins anew. The first six are the filter's and raise its epoch; the others the sidecar's. */
enum mb_reset_reason {
	MB_RESET_NONE = 0,
	MB_RESET_FIRST,
	MB_RESET_ASKED,
	MB_RESET_SCENE,
	MB_RESET_SOURCE,
	MB_RESET_SIZE,
	MB_RESET_GAP,
	MB_RESET_FILTER_REASONS, /* one past the filter's */
	MB_RESET_CUT = MB_RESET_FILTER_REASONS,
	MB_RESET_RESTART,
	MB_RESET_ERROR,
	MB_RESET_REASONS, /* one past the last */
};

/* First bytes of the memory, written once by the filter before it is shared. The reader copies it with pread, checks
 * the copy, and never looks at it again. */
struct mb_header {
	uint32_t magic;   /* MB_MAGIC */
	uint32_t version; /* MB_WIRE_VERSION */
	uint64_t bytes;   /* of the whole memory */
	uint32_t width;   /* low resolution of both rings */
	uint32_t height;
	uint32_t slots;        /* MB_SLOTS */
	uint32_t frame_stride; /* bytes from slot to slot */
	uint32_t matte_stride;
	uint32_t reserved; /* 0 */
	uint64_t frames;   /* offset of the ring of frames, */
	uint64_t mattes;   /* and of the ring of mattes: a struct mb_ring, then slots from MB_ALIGN on */
};
static_assert(sizeof(struct mb_header) == 56, "layout changed: raise MB_WIRE_VERSION");

#ifndef __cplusplus /* whose atomics are others, and who reaches the rings through channel.h only */
#include <stdatomic.h>

/* Indexes of a ring with one writer and one reader. Both count slots and never reset; a slot is index % MB_SLOTS.
 *
 *   writer   load tail  acquire   the reader has finished with a slot before we overwrite it
 *            store head release   the slot is in memory before the count that announces it
 *   reader   load head  acquire   pairs with that release: counted slots are whole
 *            store tail release   our reads are over before the slot is called free
 *   Each side keeps its own index in private memory too, and never reads it back from here. */
struct mb_ring {
	_Alignas(64) _Atomic uint32_t head; /* slots written */
	_Alignas(64) _Atomic uint32_t tail; /* slots read */
};
static_assert(
        offsetof(struct mb_ring, tail) == 64 && sizeof(struct mb_ring) == 128, "layout changed: raise MB_WIRE_VERSION");
#endif

/* A frame's slot: this, then BGRA pixels [height, width, 4] from MB_SLOT_DATA on: straight alpha, gamma-encoded. */
struct mb_frame {
	uint64_t id; /* counts captures; ascending, from 1 */
	uint64_t timestamp_ns;
	uint32_t epoch;  /* counts the filter's resets; from 1 */
	uint32_t reason; /* enum mb_reset_reason: why the epoch began; one of the filter's */
	uint32_t width;  /* the memory's */
	uint32_t height;
	uint32_t source_width; /* 1..65535 */
	uint32_t source_height;
	uint32_t flags;    /* 0 */
	uint32_t reserved; /* 0 */
};
static_assert(sizeof(struct mb_frame) == 48, "layout changed: raise MB_WIRE_VERSION");

/* A matte's slot: this, then fp16 coefficients from MB_SLOT_DATA on, as texels for the GPU
 * (src/model/blocks/refiner.ts): 2 planes: one image [height, width, 2] of (A4, b4) 8 planes: two images [height,
 * width, 4], (A_R, A_G, A_B, A4) and then (b_R, b_G, b_B, b4) */
struct mb_matte {
	uint64_t frame_id;
	uint64_t taken_ns;    /* CLOCK_MONOTONIC when the sidecar took the frame */
	uint64_t answered_ns; /* and when it wrote this matte */
	uint32_t epoch;       /* the frame's */
	uint32_t planes;      /* 2 or 8 */
	uint32_t width;       /* the memory's */
	uint32_t height;
	uint32_t reason;   /* enum mb_reset_reason: one of the sidecar's where it reset at this frame, else 0 */
	uint32_t reserved; /* 0 */
};
static_assert(sizeof(struct mb_matte) == 48, "layout changed: raise MB_WIRE_VERSION");

/* Where a slot's pixels or coefficients begin. */
#define MB_SLOT_DATA 64u

#endif
