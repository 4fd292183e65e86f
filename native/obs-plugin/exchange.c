#include <string.h>

#include "picture.h"

/* A peer may answer without end: a tick takes no more than the rings of two memories hold. */
#define MATTES_PER_TICK (2u * MB_SLOTS)

void mb_exchange_send_anew(struct mb_picture *picture)
{
	picture->last_sent.id = 0;
	picture->capture_anyway = true;
}

void mb_exchange_notice_settings(struct mb_picture *picture)
{
	const struct mb_settings *settings = &picture->filter->settings;
	const uint32_t now = (uint32_t)settings->refiner * 2 + (settings->decontaminate ? 1 : 0);
	if (now != picture->planes_settings)
		mb_exchange_send_anew(picture);
	picture->planes_settings = now;
}

/* --- frames ------------------------------------------------------------------------------------------------------- */

static bool same_pixels(const struct mb_last_sent *last, const uint8_t *pixels, uint32_t stride)
{
	const size_t row = (size_t)last->width * MB_BYTES_PER_PIXEL;
	for (uint32_t y = 0; y < last->height; y++) {
		if (memcmp(last->pixels + y * row, pixels + (size_t)y * stride, row) != 0)
			return false;
	}
	return true;
}

static bool repeats_last_sent(
        const struct mb_picture *picture, const struct mb_staged *staged, const uint8_t *pixels, uint32_t stride)
{
	const struct mb_last_sent *last = &picture->last_sent;
	return !staged->advanced && last->id && last->epoch == staged->epoch && last->width == staged->width &&
	       last->height == staged->height && mb_in_flight_state(&picture->flight, last->id) != MB_SENT_LOST &&
	       same_pixels(last, pixels, stride);
}

static void remember(struct mb_last_sent *last, const struct mb_staged *staged, const uint8_t *pixels, uint32_t stride)
{
	const size_t row = (size_t)staged->width * MB_BYTES_PER_PIXEL;
	if (last->capacity < row * staged->height) {
		last->capacity = row * staged->height;
		last->pixels = brealloc(last->pixels, last->capacity);
	}
	for (uint32_t y = 0; y < staged->height; y++)
		memcpy(last->pixels + y * row, pixels + (size_t)y * stride, row);
	last->id = staged->id;
	last->epoch = staged->epoch;
	last->width = staged->width;
	last->height = staged->height;
}

/* Writes a small copy into the ring of frames. */
static void write_frame(struct mb_link *link, unsigned char *slot, const struct mb_staged *staged,
        const uint8_t *pixels, uint32_t stride)
{
	const size_t row = (size_t)staged->width * MB_BYTES_PER_PIXEL;
	const struct mb_frame frame = {.id = staged->id,
	        .timestamp_ns = staged->captured_ns,
	        .epoch = staged->epoch,
	        .reason = staged->reason,
	        .width = staged->width,
	        .height = staged->height,
	        .source_width = staged->source_width,
	        .source_height = staged->source_height};
	for (uint32_t y = 0; y < staged->height; y++)
		memcpy(slot + y * row, pixels + (size_t)y * stride, row);
	mb_link_frame_commit(link, &frame);
}

static void drop(struct mb_picture *picture, const struct mb_staged *staged, enum mb_drop_reason reason)
{
	picture->stats.dropped[reason]++;
	mb_pairing_not_sent(&picture->pairs, staged->id);
}

static void send(struct mb_picture *picture, const struct mb_staged *staged, const uint8_t *pixels, uint32_t stride,
        uint64_t now)
{
	struct mb_link *link = picture->filter->link;
	unsigned char *slot;

	if (repeats_last_sent(picture, staged, pixels, stride)) {
		mb_pairing_repeats(&picture->pairs, staged->id, picture->last_sent.id);
	} else if (!picture->link.welcomed) {
		drop(picture, staged, MB_DROP_DISCONNECTED);
	} else if (staged->width != picture->link.width || staged->height != picture->link.height) {
		drop(picture, staged, MB_DROP_UNREADY);
	} else if (!(slot = mb_link_frame_begin(link))) {
		drop(picture, staged, MB_DROP_FULL);
	} else {
		write_frame(link, slot, staged, pixels, stride);
		remember(&picture->last_sent, staged, pixels, stride);
		picture->sent_connection = picture->link.connections;
		mb_in_flight_sent(&picture->flight, staged->id, staged->captured_ns, staged->group, now);
	}
}

static void send_ripe(struct mb_picture *picture, uint64_t now)
{
	const struct mb_staged *staged;
	while ((staged = mb_capture_ripe(&picture->capture, picture->tick, now))) {
		uint32_t stride;
		const uint8_t *pixels = mb_capture_map(&picture->capture, &stride);
		if (pixels) {
			send(picture, staged, pixels, stride, now);
			mb_capture_unmap(&picture->capture);
		} else {
			mb_pairing_not_sent(&picture->pairs, staged->id);
		}
		mb_capture_drop(&picture->capture);
	}
}

void mb_exchange_discard(struct mb_picture *picture)
{
	while (picture->capture.count) {
		mb_pairing_not_sent(&picture->pairs, picture->capture.staged[picture->capture.first].id);
		mb_capture_drop(&picture->capture);
	}
}

/* --- mattes ------------------------------------------------------------------------------------------------------- */

static void take(
        struct mb_picture *picture, const struct mb_matte *matte, const unsigned char *coefficients, uint64_t now)
{
	struct mb_sent_frame sent;
	uint64_t lead;
	if (!mb_in_flight_answered(&picture->flight, matte->frame_id, now, &sent))
		return;

	const int slot = mb_pairing_answered(&picture->pairs, sent.id, sent.captured_ns, sent.group,
	        picture->filter->settings.in_between == MB_IN_BETWEEN_HOLD, &lead);
	if (slot < 0)
		return;
	if (!mb_frame_ring_upload(
	            &picture->ring, (uint32_t)slot, matte->planes, matte->width, matte->height, coefficients)) {
		mb_pairing_forget_matte(&picture->pairs, sent.id);
		mb_exchange_send_anew(picture);
		return;
	}
	/* The peer's clock is ours, if it tells the truth. */
	const uint64_t clock = mb_now_ns();
	const bool plausible = matte->answered_ns >= sent.sent_ns && matte->answered_ns <= clock;
	const uint64_t latency = (plausible ? matte->answered_ns : clock) - sent.captured_ns;
	mb_delay_measured(&picture->delay, now, latency, latency + lead);
}

static void take_mattes(struct mb_picture *picture, uint64_t now)
{
	struct mb_link *link = picture->filter->link;
	struct mb_matte matte;
	const unsigned char *coefficients;
	for (uint32_t i = 0; i < MATTES_PER_TICK && mb_link_matte_peek(link, &matte, &coefficients) == 1; i++) {
		take(picture, &matte, coefficients, now);
		mb_link_matte_pop(link);
	}
}

/* --- the link ----------------------------------------------------------------------------------------------------- */

static void notice_link(struct mb_picture *picture, const struct mb_link_state *state)
{
	if (state->connections != picture->link.connections || (picture->link.welcomed && !state->welcomed)) {
		mb_in_flight_lost(&picture->flight);
		mb_exchange_send_anew(picture);
	}
	picture->link = *state;
}

void mb_exchange(struct mb_picture *picture, uint64_t now)
{
	struct mb_link_state state;
	/* Where the link thread is at work just then, the next tick does it all. */
	if (!mb_link_try(picture->filter->link, &state))
		return;
	notice_link(picture, &state);
	if (state.welcomed)
		picture->welcomed_ns = now;
	send_ripe(picture, now);
	take_mattes(picture, now);
	mb_link_leave(picture->filter->link);
}
