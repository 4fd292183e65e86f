#include "picture.h"

#define MS ((uint64_t)1000000)
/* A source that has not advanced is looked at again so often: some change without saying so. */
#define IDLE_NS (250 * MS)
/* After not being rendered for so long, small copies on their way are of the past. */
#define STALE_NS (250 * MS)
/* A sidecar that is replaced comes back at once: until then the frames on their way keep their mattes. */
#define GRACE_NS (250 * MS)

/* --- life --------------------------------------------------------------------------------------------------------- */

struct mb_picture *mb_picture_create(struct mb_filter *filter)
{
	struct mb_picture *picture = bzalloc(sizeof(*picture));
	picture->filter = filter;
	picture->tick = 1;
	pthread_mutex_init(&picture->stats_mutex, NULL);
	obs_enter_graphics();
	picture->draw = mb_draw_create();
	const bool capture = mb_capture_create(&picture->capture);
	obs_leave_graphics();
	if (picture->draw && capture)
		return picture;
	mb_picture_destroy(picture);
	return NULL;
}

void mb_picture_destroy(struct mb_picture *picture)
{
	if (!picture)
		return;
	mb_source_watch_stop(&picture->watch);
	obs_enter_graphics();
	mb_capture_free(&picture->capture);
	mb_frame_ring_free(&picture->ring);
	mb_draw_destroy(picture->draw);
	obs_leave_graphics();
	pthread_mutex_destroy(&picture->stats_mutex);
	bfree(picture->last_sent.pixels);
	bfree(picture);
}

/* --- capturing ---------------------------------------------------------------------------------------------------- */

/* OBS draws an asynchronous source's last frame again in every tick; filter_video tells which are new. Deinterlacing
 * makes pictures of its own, and filters before this one change them. */
static bool told_of_frames(obs_source_t *target, obs_source_t *parent)
{
	return target == parent && (obs_source_get_output_flags(parent) & OBS_SOURCE_ASYNC) == OBS_SOURCE_ASYNC &&
	       obs_source_get_deinterlace_mode(parent) == OBS_DEINTERLACE_MODE_DISABLE;
}

static enum gs_color_space source_space(obs_source_t *target)
{
	const enum gs_color_space spaces[] = {GS_CS_SRGB, GS_CS_SRGB_16F, GS_CS_709_EXTENDED};
	return obs_source_get_color_space(target, sizeof(spaces) / sizeof(spaces[0]), spaces);
}

static void count_capture(struct mb_picture *picture, uint64_t now)
{
	const size_t held = sizeof(picture->intervals) / sizeof(picture->intervals[0]);
	if (picture->captured_ns)
		picture->intervals[picture->captures++ % held] = now - picture->captured_ns;
	picture->captured_ns = now;
	picture->fps_captures++;
}

/* The shortest of the last intervals between captures. */
static uint64_t capture_interval_ns(const struct mb_picture *picture, uint64_t tick_ns)
{
	const size_t held = sizeof(picture->intervals) / sizeof(picture->intervals[0]);
	if (picture->captures < held)
		return tick_ns;
	uint64_t least = IDLE_NS;
	for (size_t i = 0; i < held; i++) {
		if (picture->intervals[i] < least)
			least = picture->intervals[i];
	}
	return least > tick_ns ? least : tick_ns;
}

/* Mattes can come, or could a moment ago. */
static bool linked(const struct mb_picture *picture, uint64_t now)
{
	return picture->link.welcomed || (picture->welcomed_ns && now - picture->welcomed_ns <= GRACE_NS);
}

/* How many pictures the ring may hold, and the longest delay that they allow. */
static uint32_t capacity(
        struct mb_picture *picture, uint64_t tick_ns, enum gs_color_space space, uint64_t now, uint64_t *max_delay_ns)
{
	const uint64_t interval = capture_interval_ns(picture, tick_ns);
	const uint64_t wanted_ns = picture->filter->settings.max_delay_ms * MS;
	const uint32_t affords = mb_frame_ring_affords(&picture->ring, picture->width, picture->height, space);
	const uint64_t bound_ns = affords > MB_PAIRING_FRAMES_MIN ? (affords - MB_PAIRING_FRAMES_MIN) * interval : 0;
	*max_delay_ns = wanted_ns < bound_ns ? wanted_ns : bound_ns;
	picture->stats.memory_bound = bound_ns < wanted_ns && picture->delay.wanted_ns > bound_ns;

	uint64_t delay_ns = picture->delay.known ? picture->delay.delay_ns : *max_delay_ns;
	if (picture->delay.newest || !linked(picture, now))
		delay_ns = 0;
	const uint64_t needs = (delay_ns + interval - 1) / interval + MB_PAIRING_FRAMES_MIN;
	return needs < affords ? (uint32_t)needs : affords;
}

static void stage(struct mb_picture *picture, uint64_t now, uint32_t small_width, uint32_t small_height, bool advanced)
{
	const struct mb_staged staged = {.id = picture->last_id,
	        .captured_ns = now,
	        .tick = picture->tick,
	        .width = small_width,
	        .height = small_height,
	        .source_width = picture->width,
	        .source_height = picture->height,
	        .epoch = picture->filter->epoch,
	        .reason = (uint32_t)picture->filter->epoch_reason,
	        .group = picture->group,
	        .advanced = advanced};
	if (!mb_capture_stage(&picture->capture, &staged))
		mb_pairing_not_sent(&picture->pairs, staged.id);
}

/* The low resolution of the memory that frames go to; the old one serves until the wanted one is there. A connection
 * begins with what was wanted last, or with a guess: nothing goes there. */
static struct mb_low_res small_size(const struct mb_picture *picture)
{
	const struct mb_link_state *link = &picture->link;
	struct mb_low_res size = picture->wanted;
	if (link->welcomed && link->width && picture->sent_connection == link->connections) {
		size.width = link->width;
		size.height = link->height;
	}
	return size;
}

static void capture(struct mb_picture *picture, obs_source_t *target, obs_source_t *parent, uint32_t slots,
        enum gs_color_space space, bool advanced, uint64_t now)
{
	const struct mb_low_res small = small_size(picture);

	mb_resets_before_capture(picture, target, picture->width, picture->height, small.width, small.height, now);
	const uint64_t id = ++picture->last_id;
	const uint32_t slot = mb_pairing_captured(&picture->pairs, id, now, picture->group, slots);
	struct mb_ring_picture *into =
	        mb_frame_ring_picture(&picture->ring, slot, picture->width, picture->height, space);
	if (!into || !mb_capture_picture(into, target, parent, picture->width, picture->height)) {
		mb_pairing_forget_frame(&picture->pairs, id);
		picture->capture_anyway = true;
		return;
	}
	picture->capture_anyway = false;
	count_capture(picture, now);
	if (mb_capture_small(&picture->capture, picture->draw, into, small.width, small.height))
		stage(picture, now, small.width, small.height, advanced);
	else
		mb_pairing_not_sent(&picture->pairs, id);
}

static void look_at_source(struct mb_picture *picture, obs_source_t *target, obs_source_t *parent, uint32_t slots,
        enum gs_color_space space, uint64_t now)
{
	const bool told = told_of_frames(target, parent);
	const long frames = os_atomic_load_long(&picture->filter->async_frames);
	const bool advanced = told && frames != picture->async_frames;
	picture->async_frames = frames;
	const bool reset = mb_resets_wait(picture, target);
	if (!told || advanced || reset || picture->capture_anyway || now - picture->captured_ns >= IDLE_NS)
		capture(picture, target, parent, slots, space, advanced, now);
}

static void want_size(struct mb_picture *picture)
{
	const struct mb_low_res wanted = mb_low_res(picture->width, picture->height, picture->filter->settings.ratio);
	if (wanted.width != picture->wanted.width || wanted.height != picture->wanted.height)
		mb_link_want_size(picture->filter->link, wanted.width, wanted.height);
	picture->wanted = wanted;
}

/* --- choosing ----------------------------------------------------------------------------------------------------- */

static bool available(const struct mb_picture *picture, uint64_t now)
{
	return linked(picture, now) && !picture->link.engine_error && !mb_in_flight_overdue(&picture->flight, now);
}

static bool choose_pair(struct mb_picture *picture, bool cover, uint64_t tick_ns, uint64_t now)
{
	const struct mb_settings *settings = &picture->filter->settings;
	const struct mb_pairing_options options = {
	        .available = available(picture, now) && !cover,
	        .newest = picture->delay.newest,
	        .hold = settings->in_between == MB_IN_BETWEEN_HOLD,
	        .delay_ns = picture->delay.delay_ns,
	        .tick_ns = tick_ns,
	        .patience_ns = mb_in_flight_patience_ns(&picture->flight),
	};
	mb_pairing_choose(&picture->pairs, &options, now, &picture->choice);
	return picture->choice.pair;
}

static enum mb_shows choose_policy(struct mb_picture *picture, enum mb_policy policy)
{
	struct mb_choice *choice = &picture->choice;
	switch (policy) {
	case MB_POLICY_FREEZE:
		return mb_pairing_last_good(&picture->pairs, choice) ? MB_SHOWS_PAIR : MB_SHOWS_NOTHING;
	case MB_POLICY_BLUR:
	case MB_POLICY_SHOW:
		if (!mb_pairing_newest(&picture->pairs, &choice->frame_slot, &choice->frame_id))
			return MB_SHOWS_NOTHING;
		return policy == MB_POLICY_BLUR ? MB_SHOWS_CELLS : MB_SHOWS_PICTURE;
	case MB_POLICY_HIDE:
	default:
		return MB_SHOWS_NOTHING;
	}
}

/* Draws beforehand what the choice needs; without it nothing is shown. */
static bool draw_beforehand(struct mb_picture *picture)
{
	const struct mb_capture *small = &picture->capture;
	switch (picture->shows) {
	case MB_SHOWS_PAIR:
		return mb_draw_prepare(picture->draw, &picture->filter->settings,
		        &picture->ring.pictures[picture->choice.frame_slot],
		        &picture->ring.mattes[picture->choice.matte_slot]);
	case MB_SHOWS_CELLS:
		return small->small_width &&
		       mb_draw_prepare_cells(picture->draw, gs_texrender_get_texture(small->small), small->small_width,
		               small->small_height);
	default:
		return true;
	}
}

static void choose(struct mb_picture *picture, uint64_t tick_ns, uint64_t now)
{
	const bool cover = os_atomic_load_bool(&picture->filter->cover);
	const enum mb_policy policy = picture->filter->settings.when_unavailable;
	if (choose_pair(picture, cover, tick_ns, now)) {
		picture->shows = MB_SHOWS_PAIR;
		picture->stats.shown++;
	} else {
		picture->shows = choose_policy(picture, cover && policy == MB_POLICY_SHOW ? MB_POLICY_HIDE : policy);
		picture->stats.covered++;
	}
	if (!draw_beforehand(picture))
		picture->shows = MB_SHOWS_NOTHING;
}

/* --- the tick ----------------------------------------------------------------------------------------------------- */

static void prepare(struct mb_picture *picture, obs_source_t *target, obs_source_t *parent, uint64_t now)
{
	const uint64_t tick_ns = obs_get_frame_interval_ns();
	const enum gs_color_space space = source_space(target);
	uint64_t max_delay_ns;

	mb_source_watch_follow(&picture->watch, parent);
	mb_exchange_notice_settings(picture);
	if (picture->rendered_ns && now - picture->rendered_ns > STALE_NS)
		mb_exchange_discard(picture);
	want_size(picture);
	mb_exchange(picture, now);

	const uint32_t slots = capacity(picture, tick_ns, space, now, &max_delay_ns);
	const struct mb_delay_options options = {
	        .newest = picture->filter->settings.pairing == MB_PAIRING_NEWEST,
	        .max_delay_ns = max_delay_ns,
	        .tick_ns = tick_ns,
	};
	mb_delay_tick(&picture->delay, &options, now);

	picture->stats.error = slots < MB_PAIRING_FRAMES_MIN ? "Error.Memory" : NULL;
	if (slots < MB_PAIRING_FRAMES_MIN) {
		mb_pairing_clear(&picture->pairs);
		mb_exchange_send_anew(picture);
		mb_frame_ring_trim(&picture->ring, 0, &picture->pairs);
		return;
	}
	look_at_source(picture, target, parent, slots, space, now);
	choose(picture, tick_ns, now);
	mb_frame_ring_trim(&picture->ring, slots, &picture->pairs);
}

static void draw(struct mb_picture *picture)
{
	const struct mb_choice *choice = &picture->choice;
	const struct mb_ring_picture *shown = &picture->ring.pictures[choice->frame_slot];
	switch (picture->shows) {
	case MB_SHOWS_PAIR:
		mb_draw_pair(picture->draw, &picture->filter->settings, shown,
		        &picture->ring.mattes[choice->matte_slot], picture->width, picture->height);
		break;
	case MB_SHOWS_CELLS:
		mb_draw_cells(picture->draw, picture->width, picture->height);
		break;
	case MB_SHOWS_PICTURE:
		mb_draw_picture(picture->draw, shown, picture->width, picture->height);
		break;
	case MB_SHOWS_NOTHING:
		return;
	}
	if (picture->filter->settings.stamp)
		mb_draw_stamp(picture->draw, choice->frame_id, picture->shows == MB_SHOWS_PAIR ? choice->matte_id : 0);
}

void mb_picture_render(struct mb_picture *picture)
{
	obs_source_t *target = obs_filter_get_target(picture->filter->source);
	obs_source_t *parent = obs_filter_get_parent(picture->filter->source);
	if (!target || !parent)
		return;
	if (!picture->prepared) {
		picture->shows = MB_SHOWS_NOTHING;
		picture->choice = (struct mb_choice){0};
		picture->width = obs_source_get_base_width(target);
		picture->height = obs_source_get_base_height(target);
		if (!picture->width || !picture->height)
			return;
		picture->prepared = true;
		const uint64_t now = obs_get_video_frame_time();
		prepare(picture, target, parent, now);
		picture->rendered_before = picture->rendered_tick;
		picture->rendered_tick = picture->tick;
		picture->rendered_ns = now;
	}
	draw(picture);
}

bool mb_picture_captured_last_tick(const struct mb_picture *picture)
{
	return picture->rendered_tick == picture->tick - 1 || picture->rendered_before == picture->tick - 1;
}

enum gs_color_space mb_picture_color_space(
        struct mb_picture *picture, size_t count, const enum gs_color_space *preferred)
{
	/* Always the source's: libobs converts where the caller wants another. */
	obs_source_t *target = obs_filter_get_target(picture->filter->source);
	UNUSED_PARAMETER(count);
	UNUSED_PARAMETER(preferred);
	return target ? source_space(target) : GS_CS_SRGB;
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static void count_up(struct mb_picture *picture, float seconds)
{
	struct mb_filter_stats *stats = &picture->stats;
	picture->fps_seconds += seconds;
	if (picture->fps_seconds >= 1.0) {
		stats->fps = picture->fps_captures / picture->fps_seconds;
		picture->fps_seconds = 0.0;
		picture->fps_captures = 0;
	}
	stats->width = picture->small_width;
	stats->height = picture->small_height;
	stats->ratio = picture->wanted.ratio;
	stats->pairing = picture->delay.newest ? MB_PAIRING_NEWEST : MB_PAIRING_MATCHED;
	stats->delay_ms = picture->delay.newest ? 0.0 : (double)picture->delay.delay_ns / (double)MS;
	stats->latency_ms = (double)picture->delay.median_ns / (double)MS;
	stats->suffices_ms = (double)((picture->delay.suffices_ns + MS - 1) / MS);
	stats->cover = os_atomic_load_bool(&picture->filter->cover);
	stats->sent = picture->flight.sent;
	stats->answered = picture->flight.answered;
}

static void tell(struct mb_picture *picture)
{
	if (pthread_mutex_trylock(&picture->stats_mutex) != 0)
		return;
	picture->told = picture->stats;
	picture->told.dropped[MB_DROP_UNANSWERED] += picture->flight.unanswered;
	picture->told.dropped[MB_DROP_LOST] += picture->flight.lost;
	pthread_mutex_unlock(&picture->stats_mutex);
}

void mb_picture_tick(struct mb_picture *picture, float seconds)
{
	picture->tick++;
	picture->prepared = false;
	mb_in_flight_tick(&picture->flight, obs_get_video_frame_time());
	count_up(picture, seconds);
	tell(picture);
}

void mb_picture_stats(struct mb_picture *picture, struct mb_filter_stats *out)
{
	pthread_mutex_lock(&picture->stats_mutex);
	*out = picture->told;
	pthread_mutex_unlock(&picture->stats_mutex);
}
