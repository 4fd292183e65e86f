/* native/obs-plugin/pairing.h - which frame is shown, and with whose matte. Pure: no libobs, times handed in (ns).
 *
 * Frames are captured into slots, mattes are uploaded into slots of their own; this says into which, and chooses a
 * pair at each tick. A matte is valid for its own frame, and for frames that repeat that frame's pixels. Frames
 * between answered ones may borrow a neighbour's coefficients, never beyond half the interval between the two, and
 * never over a change of `group`. */
#ifndef MB_PAIRING_H
#define MB_PAIRING_H

#include <stdbool.h>
#include <stdint.h>

#define MB_PAIRING_FRAMES_MAX 128u
#define MB_PAIRING_MATTES_MAX (MB_PAIRING_FRAMES_MAX + 4u)
/* Fewest slots of frames: the shown one, the newest one, one between. */
#define MB_PAIRING_FRAMES_MIN 3u
#define MB_PAIRING_GAPS 16u

struct mb_captured_frame {
	uint64_t id;
	uint64_t captured_ns;
	uint64_t picture; /* the id of the frame whose pixels it repeats; its own if none */
	uint32_t group;   /* counts the resets that nothing may be borrowed over: all but `asked` and `scene` */
	uint32_t slot;
	bool hopeless; /* no matte of its own will come */
};

struct mb_taken_matte {
	uint64_t frame_id;
	uint64_t captured_ns; /* the frame's */
	uint64_t repeated_ns; /* when the last frame that repeats it was captured; 0: none is known */
	uint32_t group;       /* the frame's */
	uint32_t slot;
};

struct mb_pairs {
	struct mb_captured_frame frames[MB_PAIRING_FRAMES_MAX]; /* by ascending id */
	uint32_t frame_count;
	struct mb_taken_matte mattes[MB_PAIRING_MATTES_MAX]; /* by ascending frame id */
	uint32_t matte_count;
	/* The last good pair: its frame stays listed, and its slots are given to nothing else. */
	bool has_shown;
	struct mb_captured_frame shown;
	struct mb_taken_matte shown_matte;
	bool policy;                    /* the policy held at the last tick */
	uint64_t policy_matte_id;       /* the newest matte when it began to hold */
	uint64_t policy_since_ns;       /* and when that was */
	uint64_t waiting_since_ns;      /* since when a frame has been due that cannot be shown; 0: none */
	uint64_t gaps[MB_PAIRING_GAPS]; /* between answered frames */
	uint32_t gap_count;
};

struct mb_pairing_options {
	bool available;    /* mattes can come: welcomed, no error, none overdue */
	bool newest;       /* the pairing in use, else matched */
	bool hold;         /* in between: hold, else nearest */
	uint64_t delay_ns; /* of `matched` */
	uint64_t tick_ns;
	uint64_t patience_ns; /* how long the last good pair may stand in for a due frame */
};

struct mb_choice {
	bool pair; /* else the policy's picture */
	uint32_t frame_slot;
	uint64_t frame_id;
	uint32_t matte_slot;
	uint64_t matte_id;
};

/* A frame was captured. Returns its slot: where all `capacity` slots are in use (MB_PAIRING_FRAMES_MIN to _MAX), that
 * of the oldest frame which is not shown. */
uint32_t mb_pairing_captured(
        struct mb_pairs *pairing, uint64_t id, uint64_t captured_ns, uint32_t group, uint32_t capacity);
/* Its pixels are those of the frame `picture`, which was sent. */
void mb_pairing_repeats(struct mb_pairs *pairing, uint64_t id, uint64_t picture);
/* It was not sent, and repeats nothing. */
void mb_pairing_not_sent(struct mb_pairs *pairing, uint64_t id);
/* A matte has come. Returns the slot to upload it to, and how much earlier than its own frame it was wanted by frames
 * in between in `*lead_ns`. -1: it is older than one that came before. */
int mb_pairing_answered(
        struct mb_pairs *pairing, uint64_t id, uint64_t captured_ns, uint32_t group, bool hold, uint64_t *lead_ns);
/* The picture could not be captured: as if it had not been. */
void mb_pairing_forget_frame(struct mb_pairs *pairing, uint64_t id);
/* The upload failed: as if the matte had not come. */
void mb_pairing_forget_matte(struct mb_pairs *pairing, uint64_t id);
/* Once a tick, after all that came with it. */
void mb_pairing_choose(
        struct mb_pairs *pairing, const struct mb_pairing_options *options, uint64_t now, struct mb_choice *choice);
/* The newest frame that was captured; false if there is none. */
bool mb_pairing_newest(const struct mb_pairs *pairing, uint32_t *slot, uint64_t *id);
/* The last good pair; false if there is none. */
bool mb_pairing_last_good(const struct mb_pairs *pairing, struct mb_choice *choice);
bool mb_pairing_uses_slot(const struct mb_pairs *pairing, uint32_t slot);
bool mb_pairing_uses_matte_slot(const struct mb_pairs *pairing, uint32_t slot);
/* Nothing that was captured or taken can be shown any more. */
void mb_pairing_clear(struct mb_pairs *pairing);

#endif
