#include "in-flight.h"

#include <string.h>

#define MS 1000000u
#define PATIENCE_MIN_NS (500u * (uint64_t)MS)
/* One long stop must not teach a patience of minutes. */
#define INTERVAL_MAX_NS (1000u * (uint64_t)MS)

static void forget_first(struct mb_in_flight *flight, uint32_t count)
{
	flight->count -= count;
	memmove(flight->frames, flight->frames + count, flight->count * sizeof(flight->frames[0]));
}

static void give_up(struct mb_in_flight *flight, struct mb_sent_frame *frame)
{
	if (frame->given_up)
		return;
	frame->given_up = true;
	flight->unanswered++;
}

void mb_in_flight_sent(struct mb_in_flight *flight, uint64_t id, uint64_t captured_ns, uint32_t group, uint64_t now)
{
	if (flight->count == MB_IN_FLIGHT_MAX) {
		give_up(flight, &flight->frames[0]);
		forget_first(flight, 1);
	}
	flight->frames[flight->count++] =
	        (struct mb_sent_frame){.id = id, .captured_ns = captured_ns, .sent_ns = now, .group = group};
	flight->sent++;
	if (!flight->waiting_since_ns)
		flight->waiting_since_ns = now;
}

static void learn_interval(struct mb_in_flight *flight, uint64_t now)
{
	/* Time in which nothing was owed is no interval: a still picture must not teach patience. */
	uint64_t interval = now - flight->waiting_since_ns;
	if (flight->last_answer_ns && now - flight->last_answer_ns < interval)
		interval = now - flight->last_answer_ns;
	if (interval > INTERVAL_MAX_NS)
		interval = INTERVAL_MAX_NS;
	flight->intervals[flight->interval_count++ % MB_IN_FLIGHT_INTERVALS] = interval;
}

bool mb_in_flight_answered(struct mb_in_flight *flight, uint64_t id, uint64_t now, struct mb_sent_frame *out)
{
	uint32_t at = 0;
	while (at < flight->count && flight->frames[at].id != id)
		at++;
	if (at == flight->count)
		return false;

	for (uint32_t i = 0; i < at; i++)
		give_up(flight, &flight->frames[i]);
	*out = flight->frames[at];
	if (out->given_up)
		flight->unanswered--;
	flight->answered++;
	learn_interval(flight, now);

	forget_first(flight, at + 1);
	flight->waiting_since_ns = flight->count ? flight->frames[0].sent_ns : 0;
	flight->last_answered_id = id;
	flight->last_answer_ns = now;
	return true;
}

void mb_in_flight_lost(struct mb_in_flight *flight)
{
	for (uint32_t i = 0; i < flight->count; i++) {
		if (!flight->frames[i].given_up)
			flight->lost++;
	}
	flight->count = 0;
	flight->waiting_since_ns = 0;
}

void mb_in_flight_tick(struct mb_in_flight *flight, uint64_t now)
{
	const uint64_t patience = mb_in_flight_patience_ns(flight);
	for (uint32_t i = 0; i < flight->count; i++) {
		if (now - flight->frames[i].sent_ns > patience)
			give_up(flight, &flight->frames[i]);
	}
}

bool mb_in_flight_overdue(const struct mb_in_flight *flight, uint64_t now)
{
	return flight->waiting_since_ns && now - flight->waiting_since_ns > mb_in_flight_patience_ns(flight);
}

uint64_t mb_in_flight_patience_ns(const struct mb_in_flight *flight)
{
	uint64_t sorted[MB_IN_FLIGHT_INTERVALS];
	uint32_t count =
	        flight->interval_count < MB_IN_FLIGHT_INTERVALS ? flight->interval_count : MB_IN_FLIGHT_INTERVALS;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = i;
		for (; at > 0 && sorted[at - 1] > flight->intervals[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = flight->intervals[i];
	}
	const uint64_t usual = count ? sorted[count / 2] : 0;
	return 3 * usual > PATIENCE_MIN_NS ? 3 * usual : PATIENCE_MIN_NS;
}

enum mb_sent_state mb_in_flight_state(const struct mb_in_flight *flight, uint64_t id)
{
	for (uint32_t i = 0; i < flight->count; i++) {
		if (flight->frames[i].id == id)
			return flight->frames[i].given_up ? MB_SENT_LOST : MB_SENT_PENDING;
	}
	return id && flight->last_answered_id == id ? MB_SENT_ANSWERED : MB_SENT_LOST;
}
