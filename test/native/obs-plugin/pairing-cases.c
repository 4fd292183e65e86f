/* Which frame is shown, and with whose matte (native/obs-plugin/pairing.h), by a clock of its own.
 * Seen red: with the earlier neighbour always lent; with `group` not compared; with neighbours of any distance; with
 * the shown frame removed like others; with the shown matte's slot given away; with the last good pair back after the
 * policy; with no pair standing in under `newest`. */
#include "expect.h"
#include "pairing-simulation.h"

#define TICK (20 * MS)
#define SLOTS 12u

static struct mb_pairs pairs;
static struct mb_pairing_options options;
static struct mb_choice choice;
static uint64_t lead;

static void begin(void)
{
	mb_pairing_clear(&pairs);
	options = (struct mb_pairing_options){
	        .available = true, .delay_ns = 4 * TICK, .tick_ns = TICK, .patience_ns = 500 * MS};
}

/* Frame n is captured at tick n, unless said otherwise. */
static uint32_t capture(uint64_t id)
{
	return mb_pairing_captured(&pairs, id, id * TICK, 0, SLOTS);
}

static void capture_up_to(uint64_t id)
{
	for (uint64_t n = pairs.frame_count ? pairs.frames[pairs.frame_count - 1].id + 1 : 1; n <= id; n++)
		capture(n);
}

static int answer(uint64_t id)
{
	return mb_pairing_answered(&pairs, id, id * TICK, 0, options.hold, &lead);
}

static void at_tick(uint64_t tick)
{
	mb_pairing_choose(&pairs, &options, tick * TICK, &choice);
}

#define EXPECT_SHOWN(frame, matte)                                                                                     \
	do {                                                                                                           \
		EXPECT(choice.pair);                                                                                   \
		EXPECT_EQUAL(choice.frame_id, frame);                                                                  \
		EXPECT_EQUAL(choice.matte_id, matte);                                                                  \
	} while (0)

static void shows_each_frame_after_the_delay(void)
{
	begin();
	capture_up_to(8);
	for (uint64_t id = 1; id <= 8; id++)
		answer(id);
	for (uint64_t tick = 5; tick <= 12; tick++) {
		at_tick(tick);
		EXPECT_SHOWN(tick - 4, tick - 4);
	}
}

static void policy_until_the_first_pair(void)
{
	begin();
	at_tick(1);
	EXPECT(!choice.pair);
	capture_up_to(5);
	at_tick(6);
	EXPECT(!choice.pair);
	answer(3);
	at_tick(7);
	EXPECT_SHOWN(3, 3);
}

static void holds_over_a_late_matte(void)
{
	begin();
	options.hold = true;
	capture_up_to(6);
	answer(1);
	at_tick(5);
	at_tick(6); /* 2 is due */
	EXPECT_SHOWN(1, 1);
	answer(2);
	at_tick(6);
	EXPECT_SHOWN(2, 2);
}

static void never_goes_back(void)
{
	begin();
	capture_up_to(8);
	for (uint64_t id = 1; id <= 8; id++)
		answer(id);
	at_tick(10);
	options.delay_ns = 7 * TICK;
	for (uint64_t tick = 11; tick <= 13; tick++) {
		at_tick(tick);
		EXPECT_SHOWN(6, 6);
	}
	at_tick(14);
	EXPECT_SHOWN(7, 7);
}

static void every_second_frame(bool hold)
{
	begin();
	options.hold = hold;
	for (uint64_t id = 1; id <= 21; id++) {
		capture(id);
		if (id % 2 == 1)
			answer(id);
		at_tick(id + 3);
	}
	options.delay_ns = 4 * TICK;
}

static void lends_to_frames_between(void)
{
	every_second_frame(false);
	at_tick(24); /* 20 is due; it lies as near to 19 as to 21 */
	EXPECT_SHOWN(20, 19);
}

static void hold_lends_nothing(void)
{
	every_second_frame(true);
	at_tick(24);
	EXPECT_SHOWN(19, 19);
}

static void takes_the_nearer_neighbour(void)
{
	begin();
	capture_up_to(9);
	for (uint64_t id = 1; id <= 9; id += 4)
		answer(id);
	const uint64_t mattes[] = {1, 1, 1, 5, 5, 5, 5, 9, 9};
	for (uint64_t id = 1; id <= 9; id++) {
		at_tick(id + 4);
		EXPECT_SHOWN(id, mattes[id - 1]);
	}
}

static void waits_where_the_next_is_not_known(void)
{
	begin();
	capture_up_to(8);
	for (uint64_t id = 1; id <= 4; id++)
		answer(id); /* every frame: a late one may yet come */
	at_tick(8);
	EXPECT_SHOWN(4, 4);
	at_tick(9);
	EXPECT_SHOWN(4, 4);
}

static void lends_at_once_to_what_was_never_sent(void)
{
	begin();
	capture_up_to(8);
	for (uint64_t id = 1; id <= 4; id++)
		answer(id);
	mb_pairing_not_sent(&pairs, 5);
	at_tick(9); /* 5 will have no matte, and 6 is no nearer than 4 */
	EXPECT_SHOWN(5, 4);
}

static void lends_nothing_over_long_gaps(void)
{
	begin();
	capture_up_to(3);
	for (uint64_t id = 1; id <= 3; id++)
		answer(id);
	at_tick(7);
	for (uint64_t id = 4; id <= 10; id++)
		capture(id);
	answer(10);
	at_tick(9); /* 5 is due, 3 and 10 are too far apart */
	EXPECT_SHOWN(3, 3);
	at_tick(14);
	EXPECT_SHOWN(10, 10);
}

static void lends_nothing_over_a_group(void)
{
	begin();
	capture_up_to(4);
	for (uint64_t id = 1; id <= 4; id++)
		answer(id);
	mb_pairing_captured(&pairs, 5, 5 * TICK, 1, SLOTS);
	mb_pairing_not_sent(&pairs, 5);
	mb_pairing_captured(&pairs, 6, 6 * TICK, 1, SLOTS);
	at_tick(8);
	EXPECT_SHOWN(4, 4);
	at_tick(9); /* 5 is of another source, size or time */
	EXPECT_SHOWN(4, 4);
	mb_pairing_answered(&pairs, 6, 6 * TICK, 1, false, &lead);
	at_tick(10);
	EXPECT_SHOWN(6, 6);
}

static void shows_old_pairs_over_a_reset(void)
{
	begin();
	capture_up_to(4);
	for (uint64_t id = 1; id <= 4; id++)
		answer(id);
	for (uint64_t id = 5; id <= 8; id++) {
		mb_pairing_captured(&pairs, id, id * TICK, 1, SLOTS);
		mb_pairing_answered(&pairs, id, id * TICK, 1, false, &lead);
	}
	for (uint64_t tick = 5; tick <= 12; tick++) {
		at_tick(tick);
		EXPECT_SHOWN(tick - 4, tick - 4);
	}
}

static void says_how_early_a_matte_is_wanted(void)
{
	begin();
	capture_up_to(4);
	answer(1);
	EXPECT_EQUAL(lead, 0);
	answer(2);
	EXPECT_EQUAL(lead, 0);
	answer(4); /* 3 must know of 4 to be sure of 2 */
	EXPECT_EQUAL(lead, TICK);
	begin();
	options.hold = true;
	capture_up_to(4);
	answer(1);
	answer(2);
	answer(4);
	EXPECT_EQUAL(lead, 0);
}

static void still_picture_stays(void)
{
	begin();
	capture_up_to(1);
	answer(1);
	for (uint64_t id = 2; id <= 3000; id++) {
		capture(id);
		if (id > 3)
			mb_pairing_repeats(&pairs, id - 2, 1);
		at_tick(id);
		if (id > 8)
			EXPECT_SHOWN(id - 4, 1);
	}
}

static void paused_clip_stays(void)
{
	begin();
	capture_up_to(3);
	for (uint64_t id = 1; id <= 3; id++)
		answer(id);
	for (uint64_t tick = 7; tick <= 3000; tick++) {
		at_tick(tick);
		EXPECT_SHOWN(3, 3);
	}
}

static void lets_go_of_a_pair_when_nothing_follows(void)
{
	begin();
	capture_up_to(1);
	answer(1);
	at_tick(5);
	uint64_t tick = 6;
	for (; tick < 100; tick++) {
		capture_up_to(tick);
		at_tick(tick);
		if (!choice.pair)
			break;
	}
	/* 2 is due at 6: half a second later the policy holds. */
	EXPECT_EQUAL(tick, 6 + 25 + 1);
}

static void policy_when_mattes_cannot_come(void)
{
	begin();
	capture_up_to(4);
	for (uint64_t id = 1; id <= 4; id++)
		answer(id);
	at_tick(6);
	options.available = false;
	at_tick(7);
	EXPECT(!choice.pair);
	EXPECT(mb_pairing_last_good(&pairs, &choice));
	EXPECT_SHOWN(2, 2);
}

static void no_flash_of_the_past_after_the_policy(void)
{
	begin();
	capture_up_to(4);
	answer(1);
	at_tick(5);
	options.available = false;
	at_tick(6);
	for (uint64_t id = 5; id <= 40; id++)
		capture(id);
	options.available = true;
	at_tick(41); /* the pair of frame 1 is long past */
	EXPECT(!choice.pair);
	answer(38);
	at_tick(42);
	EXPECT_SHOWN(38, 38);
}

static void no_flash_where_frames_are_few(void)
{
	begin();
	capture_up_to(4);
	answer(1);
	at_tick(5);
	options.available = false;
	for (uint64_t id = 5; id <= 40; id++) {
		mb_pairing_captured(&pairs, id, id * TICK, 0, MB_PAIRING_FRAMES_MIN);
		at_tick(id);
	}
	options.available = true;
	at_tick(40); /* of all that came since only the last two are left, and they are not due yet */
	EXPECT(!choice.pair);
}

static void newest_uses_no_planes_of_the_past(void)
{
	begin();
	options.newest = true;
	capture_up_to(5);
	answer(5);
	at_tick(5);
	options.available = false;
	at_tick(6);
	options.available = true;
	capture_up_to(7);
	at_tick(7);
	EXPECT(!choice.pair);
	answer(6);
	at_tick(7);
	EXPECT_SHOWN(7, 6);
}

static void still_picture_returns_after_the_policy(void)
{
	begin();
	capture_up_to(2);
	answer(1);
	answer(2);
	at_tick(6);
	options.available = false;
	at_tick(7);
	EXPECT(!choice.pair);
	options.available = true;
	at_tick(8);
	EXPECT_SHOWN(2, 2);
}

static void newest_on_newest(void)
{
	begin();
	options.newest = true;
	capture_up_to(5);
	at_tick(5);
	EXPECT(!choice.pair);
	answer(2);
	at_tick(5);
	EXPECT_SHOWN(5, 2);
	capture(6);
	answer(4);
	at_tick(6);
	EXPECT_SHOWN(6, 4);
}

static void newest_holds_the_policy_after_hard_resets(void)
{
	begin();
	options.newest = true;
	capture_up_to(5);
	answer(5);
	mb_pairing_captured(&pairs, 6, 6 * TICK, 1, SLOTS);
	at_tick(6);
	EXPECT(!choice.pair);
	mb_pairing_answered(&pairs, 6, 6 * TICK, 1, false, &lead);
	mb_pairing_captured(&pairs, 7, 7 * TICK, 1, SLOTS);
	at_tick(7);
	EXPECT_SHOWN(7, 6);
}

static void newest_uses_no_stale_planes(void)
{
	begin();
	options.newest = true;
	capture_up_to(1);
	answer(1);
	for (uint64_t id = 2; id <= 26; id++)
		capture(id);
	at_tick(26);
	EXPECT_SHOWN(26, 1); /* 500 ms */
	uint64_t tick = 27;
	for (; tick < 100; tick++) {
		capture(tick);
		at_tick(tick);
		if (!choice.pair)
			break;
		EXPECT_SHOWN(26, 1); /* the last good pair, as it was */
	}
	EXPECT_EQUAL(tick, 27 + 25 + 1);
}

static void newest_shows_no_policy_after_a_stall(void)
{
	begin();
	options.newest = true;
	capture_up_to(5);
	answer(5);
	at_tick(5);
	/* Nothing is rendered for 0.8 s: what is captured then waits for its matte. */
	for (uint64_t id = 45; id <= 47; id++) {
		capture(id);
		at_tick(id);
		EXPECT_SHOWN(5, 5);
	}
	answer(45);
	at_tick(47);
	EXPECT_SHOWN(47, 45);
}

static void keeps_the_shown_slot(void)
{
	begin();
	const uint32_t slot = capture(1);
	answer(1);
	at_tick(5);
	for (uint64_t id = 2; id <= 200; id++) {
		EXPECT(capture(id) != slot);
		EXPECT(pairs.frame_count <= SLOTS);
		at_tick(6);
	}
	EXPECT_SHOWN(1, 1);
	EXPECT_EQUAL(choice.frame_slot, slot);
}

static void keeps_the_shown_matte(void)
{
	begin();
	options.newest = true;
	capture_up_to(5);
	answer(2);
	at_tick(5);
	const uint32_t slot = choice.matte_slot;
	options.available = false; /* the last good pair is frozen, and mattes go on coming */
	for (uint64_t id = 3; id <= 40; id++) {
		EXPECT(answer(id) != (int)slot);
		capture_up_to(id + 3);
		at_tick(id + 3);
	}
	EXPECT(mb_pairing_last_good(&pairs, &choice));
	EXPECT_SHOWN(5, 2);
	EXPECT_EQUAL(choice.matte_slot, slot);
}

static void keeps_slots_low(void)
{
	begin();
	for (uint64_t id = 1; id <= 500; id++) {
		EXPECT(capture(id) < 6);
		EXPECT(answer(id) < 8);
		at_tick(id);
	}
}

static void ignores_what_comes_out_of_turn(void)
{
	begin();
	capture_up_to(4);
	EXPECT(answer(3) >= 0);
	EXPECT_EQUAL(answer(3), -1);
	EXPECT_EQUAL(answer(2), -1);
}

int main(int argc, char **argv)
{
	const struct test_case cases[] = {
	        {"shows each frame with its own matte after the delay", shows_each_frame_after_the_delay},
	        {"has the policy's picture until the first pair is due", policy_until_the_first_pair},
	        {"keeps the last pair while a matte is late", holds_over_a_late_matte},
	        {"never goes back in time when the delay grows", never_goes_back},
	        {"nearest: shows frames between answered ones with the earlier one's "
	         "coefficients",
	                lends_to_frames_between},
	        {"hold: keeps the last pair between answered frames", hold_lends_nothing},
	        {"nearest: takes the nearer of two neighbours", takes_the_nearer_neighbour},
	        {"nearest: borrows nothing while a nearer answer may come", waits_where_the_next_is_not_known},
	        {"nearest: borrows at once for a frame that was never sent", lends_at_once_to_what_was_never_sent},
	        {"nearest: borrows nothing from neighbours far apart", lends_nothing_over_long_gaps},
	        {"nearest: borrows nothing over a change of source or size, or a gap", lends_nothing_over_a_group},
	        {"shows frames from before a reset with their own mattes until the first "
	         "new pair",
	                shows_old_pairs_over_a_reset},
	        {"says how early a matte is wanted by frames between", says_how_early_a_matte_is_wanted},
	        {"keeps a still picture matted for ever", still_picture_stays},
	        {"keeps a paused clip matted for ever", paused_clip_stays},
	        {"gives up a pair when due frames stay without", lets_go_of_a_pair_when_nothing_follows},
	        {"has the policy's picture at once when mattes cannot come, and keeps "
	         "the last good pair",
	                policy_when_mattes_cannot_come},
	        {"shows no pair of the past when mattes come again", no_flash_of_the_past_after_the_policy},
	        {"shows no pair of the past where few frames are left", no_flash_where_frames_are_few},
	        {"newest: uses no planes from before the policy", newest_uses_no_planes_of_the_past},
	        {"shows a still picture's pair again when mattes can come again",
	                still_picture_returns_after_the_policy},
	        {"newest: shows the newest frame with the newest matte", newest_on_newest},
	        {"newest: has the policy's picture after a hard reset until its first "
	         "matte",
	                newest_holds_the_policy_after_hard_resets},
	        {"newest: uses no planes older than patience; the last good pair stands in for as long again",
	                newest_uses_no_stale_planes},
	        {"newest: has the last good pair, not the policy's picture, after OBS stood still",
	                newest_shows_no_policy_after_a_stall},
	        {"never draws into the shown frame", keeps_the_shown_slot},
	        {"never uploads over the shown matte", keeps_the_shown_matte},
	        {"needs few slots", keeps_slots_low},
	        {"ignores mattes that come out of turn", ignores_what_comes_out_of_turn},
	};
	return RUN_CASES(argc, argv, cases);
}
