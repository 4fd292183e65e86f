#include "pairing.h"

#include <stddef.h>
#include <string.h>

#define MS (uint64_t)1000000
/* Longer gaps between answered frames are no rhythm to go by. */
#define GAP_MAX_NS (100 * MS)
/* Ticks' times are rounded. */
#define ROUNDING_NS MS
/* Neighbours this many usual gaps apart lend nothing to the frames between them. */
#define LENDING_GAPS 3u

/* --- slots -------------------------------------------------------------------------------------------------------- */

bool mb_pairing_uses_slot(const struct mb_pairs *pairing, uint32_t slot)
{
	for (uint32_t i = 0; i < pairing->frame_count; i++) {
		if (pairing->frames[i].slot == slot)
			return true;
	}
	return false;
}

static void remove_frame(struct mb_pairs *pairing, uint32_t at)
{
	pairing->frame_count--;
	memmove(&pairing->frames[at], &pairing->frames[at + 1],
	        (pairing->frame_count - at) * sizeof(pairing->frames[0]));
}

static void remove_matte(struct mb_pairs *pairing, uint32_t at)
{
	pairing->matte_count--;
	memmove(&pairing->mattes[at], &pairing->mattes[at + 1],
	        (pairing->matte_count - at) * sizeof(pairing->mattes[0]));
}

static bool is_shown(const struct mb_pairs *pairing, const struct mb_captured_frame *frame)
{
	return pairing->has_shown && pairing->shown.id == frame->id;
}

bool mb_pairing_uses_matte_slot(const struct mb_pairs *pairing, uint32_t slot)
{
	if (pairing->has_shown && pairing->shown_matte.slot == slot)
		return true;
	for (uint32_t i = 0; i < pairing->matte_count; i++) {
		if (pairing->mattes[i].slot == slot)
			return true;
	}
	return false;
}

/* --- what has happened -------------------------------------------------------------------------------------------- */

uint32_t mb_pairing_captured(
        struct mb_pairs *pairing, uint64_t id, uint64_t captured_ns, uint32_t group, uint32_t capacity)
{
	/* The shown frame stays listed, and so keeps its slot. */
	while (pairing->frame_count >= capacity)
		remove_frame(pairing, is_shown(pairing, &pairing->frames[0]) ? 1 : 0);
	uint32_t slot = 0;
	while (mb_pairing_uses_slot(pairing, slot))
		slot++;
	pairing->frames[pairing->frame_count++] = (struct mb_captured_frame){
	        .id = id, .captured_ns = captured_ns, .picture = id, .group = group, .slot = slot};
	return slot;
}

static struct mb_captured_frame *find_frame(struct mb_pairs *pairing, uint64_t id)
{
	for (uint32_t i = 0; i < pairing->frame_count; i++) {
		if (pairing->frames[i].id == id)
			return &pairing->frames[i];
	}
	return NULL;
}

void mb_pairing_repeats(struct mb_pairs *pairing, uint64_t id, uint64_t picture)
{
	struct mb_captured_frame *frame = find_frame(pairing, id);
	if (!frame)
		return;
	frame->picture = picture;
	/* The frame may be forgotten before the next one that repeats it is known to. */
	for (uint32_t i = 0; i < pairing->matte_count; i++) {
		if (pairing->mattes[i].frame_id == picture)
			pairing->mattes[i].repeated_ns = frame->captured_ns;
	}
}

void mb_pairing_not_sent(struct mb_pairs *pairing, uint64_t id)
{
	struct mb_captured_frame *frame = find_frame(pairing, id);
	if (frame)
		frame->hopeless = true;
}

void mb_pairing_forget_frame(struct mb_pairs *pairing, uint64_t id)
{
	const struct mb_captured_frame *frame = find_frame(pairing, id);
	if (frame)
		remove_frame(pairing, (uint32_t)(frame - pairing->frames));
}

void mb_pairing_forget_matte(struct mb_pairs *pairing, uint64_t id)
{
	for (uint32_t i = 0; i < pairing->matte_count; i++) {
		if (pairing->mattes[i].frame_id == id) {
			remove_matte(pairing, i);
			return;
		}
	}
}

void mb_pairing_clear(struct mb_pairs *pairing)
{
	memset(pairing, 0, sizeof(*pairing));
}

/* --- neighbours --------------------------------------------------------------------------------------------------- */

/* When the pixels of a matte's frame were seen last: its own time, or that of the frame that repeats it. */
static uint64_t last_seen_ns(const struct mb_pairs *pairing, const struct mb_taken_matte *matte)
{
	uint64_t last = matte->repeated_ns > matte->captured_ns ? matte->repeated_ns : matte->captured_ns;
	for (uint32_t i = 0; i < pairing->frame_count; i++) {
		if (pairing->frames[i].picture == matte->frame_id && pairing->frames[i].captured_ns > last)
			last = pairing->frames[i].captured_ns;
	}
	return last;
}

static uint64_t usual_gap_ns(const struct mb_pairs *pairing)
{
	uint64_t sorted[MB_PAIRING_GAPS];
	const uint32_t count = pairing->gap_count < MB_PAIRING_GAPS ? pairing->gap_count : MB_PAIRING_GAPS;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = i;
		for (; at > 0 && sorted[at - 1] > pairing->gaps[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = pairing->gaps[i];
	}
	return count ? sorted[count / 2] : GAP_MAX_NS;
}

static const struct mb_taken_matte *own_matte(const struct mb_pairs *pairing, const struct mb_captured_frame *frame)
{
	for (uint32_t i = pairing->matte_count; i-- > 0;) {
		if (pairing->mattes[i].frame_id == frame->picture)
			return &pairing->mattes[i];
	}
	return NULL;
}

/* Whether the answered frame before is surely the nearest that will ever be answered, though the one after is not yet
 * known: because the frames that follow it were never sent. */
static bool surely_nearest(const struct mb_pairs *pairing, const struct mb_taken_matte *before, uint64_t before_ns,
        const struct mb_captured_frame *frame)
{
	const uint64_t twice = 2 * (frame->captured_ns - before_ns);
	for (uint32_t i = 0; i < pairing->frame_count; i++) {
		const struct mb_captured_frame *next = &pairing->frames[i];
		if (next->id <= before->frame_id || next->hopeless || next->picture == before->frame_id)
			continue;
		return next->id > frame->id && twice <= next->captured_ns - before_ns + ROUNDING_NS;
	}
	return false;
}

/* The coefficients that a frame without a matte of its own may borrow. */
static const struct mb_taken_matte *borrowed_matte(
        const struct mb_pairs *pairing, const struct mb_captured_frame *frame)
{
	const struct mb_taken_matte *before = NULL;
	const struct mb_taken_matte *after = NULL;
	for (uint32_t i = 0; i < pairing->matte_count; i++) {
		const struct mb_taken_matte *matte = &pairing->mattes[i];
		if (matte->group != frame->group)
			continue;
		if (matte->frame_id < frame->id)
			before = matte;
		else if (!after)
			after = matte;
	}
	const uint64_t before_ns = before ? last_seen_ns(pairing, before) : 0;

	if (before && after) {
		if (after->captured_ns - before_ns > LENDING_GAPS * usual_gap_ns(pairing) + ROUNDING_NS)
			return NULL;
		return frame->captured_ns - before_ns <= after->captured_ns - frame->captured_ns ? before : after;
	}
	/* Before an answered frame after it, this one may itself yet be answered. */
	return before && surely_nearest(pairing, before, before_ns, frame) ? before : NULL;
}

int mb_pairing_answered(
        struct mb_pairs *pairing, uint64_t id, uint64_t captured_ns, uint32_t group, bool hold, uint64_t *lead_ns)
{
	*lead_ns = 0;
	const struct mb_taken_matte *before = pairing->matte_count ? &pairing->mattes[pairing->matte_count - 1] : NULL;
	if (before && before->frame_id >= id)
		return -1;

	if (before && before->group == group) {
		const uint64_t before_ns = last_seen_ns(pairing, before);
		const uint64_t gap = captured_ns > before_ns ? captured_ns - before_ns : 0;
		const bool lends = gap <= LENDING_GAPS * usual_gap_ns(pairing) + ROUNDING_NS;
		for (uint32_t i = 0; i < pairing->frame_count && lends && !hold && !*lead_ns; i++) {
			const struct mb_captured_frame *frame = &pairing->frames[i];
			if (frame->id > before->frame_id && frame->id < id && frame->group == group &&
			        frame->picture != before->frame_id &&
			        !surely_nearest(pairing, before, before_ns, frame))
				*lead_ns = captured_ns - frame->captured_ns;
		}
		if (gap)
			pairing->gaps[pairing->gap_count++ % MB_PAIRING_GAPS] = gap < GAP_MAX_NS ? gap : GAP_MAX_NS;
	}

	if (pairing->matte_count == MB_PAIRING_MATTES_MAX - 1)
		remove_matte(pairing, 0);
	uint32_t slot = 0;
	while (mb_pairing_uses_matte_slot(pairing, slot))
		slot++;
	pairing->mattes[pairing->matte_count++] =
	        (struct mb_taken_matte){.frame_id = id, .captured_ns = captured_ns, .group = group, .slot = slot};
	return (int)slot;
}

/* --- the choice --------------------------------------------------------------------------------------------------- */

static void show(struct mb_pairs *pairing, const struct mb_captured_frame *frame, const struct mb_taken_matte *matte)
{
	pairing->shown = *frame;
	pairing->shown_matte = *matte;
	pairing->has_shown = true;
}

/* Forgets what can be neither shown nor lent any more. Under `newest` frames stay until their slots are wanted: whether
 * one repeats an answered picture is only known after a later one was shown. */
static void prune(struct mb_pairs *pairing, bool newest)
{
	while (!newest && pairing->has_shown && pairing->frame_count && pairing->frames[0].id < pairing->shown.id)
		remove_frame(pairing, 0);
	uint64_t oldest = pairing->frame_count ? pairing->frames[0].id : UINT64_MAX;
	if (pairing->has_shown && pairing->shown.id < oldest)
		oldest = pairing->shown.id;
	while (pairing->matte_count > 1 && pairing->mattes[1].frame_id <= oldest)
		remove_matte(pairing, 0);
}

/* A frame, newer than the shown one, is due and cannot be shown. */
static void wait_for_matte(struct mb_pairs *pairing, uint64_t now)
{
	if (!pairing->waiting_since_ns)
		pairing->waiting_since_ns = now;
}

/* The last good pair stands in, but comes back neither after the policy nor for long. */
static bool stands_in(const struct mb_pairs *pairing, const struct mb_pairing_options *options, uint64_t now)
{
	return pairing->has_shown && !pairing->policy &&
	       (!pairing->waiting_since_ns || now - pairing->waiting_since_ns <= options->patience_ns);
}

static bool choose_newest(struct mb_pairs *pairing, const struct mb_pairing_options *options, uint64_t now)
{
	if (!pairing->frame_count)
		return false;
	const struct mb_captured_frame *frame = &pairing->frames[pairing->frame_count - 1];
	const struct mb_taken_matte *matte = own_matte(pairing, frame);
	if (!matte && pairing->matte_count) {
		const struct mb_taken_matte *newest = &pairing->mattes[pairing->matte_count - 1];
		/* After the policy, planes from before it are of the past, unless their picture was seen again since.
		 */
		const bool past = pairing->policy && newest->frame_id <= pairing->policy_matte_id &&
		                  last_seen_ns(pairing, newest) < pairing->policy_since_ns;
		if (!past && newest->group == frame->group &&
		        frame->captured_ns <= last_seen_ns(pairing, newest) + options->patience_ns)
			matte = newest;
	}
	if (matte) {
		show(pairing, frame, matte);
		pairing->waiting_since_ns = 0;
		return true;
	}
	/* Where OBS stood still, the planes are too old for the frame that it goes on with. */
	wait_for_matte(pairing, now);
	return pairing->shown.group == frame->group && stands_in(pairing, options, now);
}

static bool choose_matched(struct mb_pairs *pairing, const struct mb_pairing_options *options, uint64_t now)
{
	bool waits = false;    /* a due frame, newer than the shown one, cannot be shown */
	bool followed = false; /* a frame that is not due has no matte of its own yet */
	for (uint32_t i = pairing->frame_count; i-- > 0;) {
		const struct mb_captured_frame *frame = &pairing->frames[i];
		if (frame->captured_ns + options->delay_ns > now + options->tick_ns / 2) {
			followed = followed || !own_matte(pairing, frame);
			continue;
		}
		if (pairing->has_shown && frame->id < pairing->shown.id)
			break;
		const bool shown = is_shown(pairing, frame);
		const struct mb_taken_matte *matte = own_matte(pairing, frame);
		if (!matte && !options->hold)
			matte = borrowed_matte(pairing, frame);
		if (matte)
			show(pairing, frame, matte);
		/* After the policy the shown pair comes back only where nothing has followed it. */
		if (shown ? !waits && !(pairing->policy && followed) : matte != NULL) {
			pairing->waiting_since_ns = 0;
			return true;
		}
		waits = waits || !shown;
	}
	if (waits)
		wait_for_matte(pairing, now);
	else
		pairing->waiting_since_ns = 0;
	return stands_in(pairing, options, now);
}

void mb_pairing_choose(
        struct mb_pairs *pairing, const struct mb_pairing_options *options, uint64_t now, struct mb_choice *choice)
{
	bool pair = false;
	if (options->available)
		pair = options->newest ? choose_newest(pairing, options, now) : choose_matched(pairing, options, now);
	if (!pair && !pairing->policy) {
		pairing->policy_since_ns = now;
		pairing->policy_matte_id =
		        pairing->matte_count ? pairing->mattes[pairing->matte_count - 1].frame_id : 0;
	}
	pairing->policy = !pair;
	prune(pairing, options->newest);
	*choice = (struct mb_choice){0};
	if (pair)
		mb_pairing_last_good(pairing, choice);
}

bool mb_pairing_newest(const struct mb_pairs *pairing, uint32_t *slot, uint64_t *id)
{
	if (!pairing->frame_count)
		return false;
	*slot = pairing->frames[pairing->frame_count - 1].slot;
	*id = pairing->frames[pairing->frame_count - 1].id;
	return true;
}

bool mb_pairing_last_good(const struct mb_pairs *pairing, struct mb_choice *choice)
{
	if (!pairing->has_shown)
		return false;
	*choice = (struct mb_choice){.pair = true,
	        .frame_slot = pairing->shown.slot,
	        .frame_id = pairing->shown.id,
	        .matte_slot = pairing->shown_matte.slot,
	        .matte_id = pairing->shown_matte.frame_id};
	return true;
}
