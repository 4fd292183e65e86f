/* native/obs-plugin/in-flight.h - frames that the sidecar owes an answer. Pure: times are handed in, ns.
 *
 * Counts exactly: sent = answered + unanswered + lost + those still in flight. A frame is unanswered once a
 * later one was answered, or when patience ends; a matte that comes after that turns it into an answered one. */
#ifndef MB_IN_FLIGHT_H
#define MB_IN_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

/* More than both ends of the ring can hold; beyond it the oldest counts as unanswered. */
#define MB_IN_FLIGHT_MAX 64u
#define MB_IN_FLIGHT_INTERVALS 9u

struct mb_sent_frame {
	uint64_t id;
	uint64_t captured_ns;
	uint64_t sent_ns;
	uint32_t group; /* see pairing.h */
	bool given_up;  /* counted as unanswered already */
};

struct mb_in_flight {
	struct mb_sent_frame frames[MB_IN_FLIGHT_MAX]; /* by ascending id */
	uint32_t count;
	uint64_t sent;
	uint64_t answered;
	uint64_t unanswered;
	uint64_t lost;
	uint64_t last_answered_id;
	uint64_t last_answer_ns;
	uint64_t waiting_since_ns; /* when the oldest frame after the last answer was sent; 0: nothing is owed */
	uint64_t intervals[MB_IN_FLIGHT_INTERVALS]; /* between answers, while answers were owed */
	uint32_t interval_count;
};

enum mb_sent_state { MB_SENT_PENDING, MB_SENT_ANSWERED, MB_SENT_LOST };

void mb_in_flight_sent(struct mb_in_flight *flight, uint64_t id, uint64_t captured_ns, uint32_t group, uint64_t now);
/* Copies what was known of the frame. False where no such frame was owed: the matte is of no use. */
bool mb_in_flight_answered(struct mb_in_flight *flight, uint64_t id, uint64_t now, struct mb_sent_frame *out);
/* The connection is gone and with it all that was in flight. */
void mb_in_flight_lost(struct mb_in_flight *flight);
/* Gives up on frames past patience. */
void mb_in_flight_tick(struct mb_in_flight *flight, uint64_t now);
/* A frame has been unanswered past patience, and nothing was answered since: the policy holds. */
bool mb_in_flight_overdue(const struct mb_in_flight *flight, uint64_t now);
/* max(0.5 s, three times the usual interval between answers). */
uint64_t mb_in_flight_patience_ns(const struct mb_in_flight *flight);
enum mb_sent_state mb_in_flight_state(const struct mb_in_flight *flight, uint64_t id);

#endif
