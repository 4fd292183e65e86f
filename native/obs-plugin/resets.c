#include "picture.h"

/* Not rendered, or without a size, for so long: what the network remembers is no longer near. */
#define GAP_NS ((uint64_t)1000000000)

static void take_request(struct mb_picture *picture)
{
	struct mb_filter *filter = picture->filter;
	if (pthread_mutex_trylock(&filter->mutex) != 0)
		return; /* the next tick takes it */
	if (filter->request.reason != MB_RESET_NONE) {
		if (picture->request.reason == MB_RESET_NONE)
			picture->request = filter->request;
		filter->request.reason = MB_RESET_NONE;
	}
	pthread_mutex_unlock(&filter->mutex);
}

bool mb_resets_wait(struct mb_picture *picture, obs_source_t *target)
{
	take_request(picture);
	return picture->request.reason != MB_RESET_NONE || os_atomic_load_bool(&picture->watch.updated) ||
	       target != picture->target;
}

static void raise_epoch(struct mb_picture *picture, enum mb_reset_reason reason)
{
	struct mb_filter *filter = picture->filter;
	const bool asked = picture->request.reason == reason;
	filter->epoch = reason == MB_RESET_FIRST ? 1 : filter->epoch + 1;
	filter->epoch_reason = reason;
	picture->stats.resets[reason]++;
	mb_link_reset(filter->link, filter->epoch, reason,
	        asked && *picture->request.from ? picture->request.from : NULL,
	        asked && *picture->request.to ? picture->request.to : NULL);
}

void mb_resets_before_capture(struct mb_picture *picture, obs_source_t *target, uint32_t width, uint32_t height,
        uint32_t small_width, uint32_t small_height, uint64_t now)
{
	const bool first = picture->last_id == 0;
	const bool updated = os_atomic_set_bool(&picture->watch.updated, false);
	const bool swapped = updated || target != picture->target;
	const bool resized = width != picture->source_width || height != picture->source_height;
	const bool small_resized = small_width != picture->small_width || small_height != picture->small_height;
	const bool gap = picture->rendered_ns && now - picture->rendered_ns > GAP_NS;

	/* Another size of source often means another low resolution: that, when it is in use, is the one reset. */
	picture->size_changed = picture->size_changed || resized;
	const bool fits = small_width == picture->wanted.width && small_height == picture->wanted.height;
	const bool size = small_resized || (picture->size_changed && fits);
	if (size)
		picture->size_changed = false;

	if (swapped || resized || small_resized || gap)
		picture->group++;
	if (first)
		raise_epoch(picture, MB_RESET_FIRST);
	else if (picture->request.reason != MB_RESET_NONE)
		raise_epoch(picture, picture->request.reason);
	else if (swapped)
		raise_epoch(picture, MB_RESET_SOURCE);
	else if (size)
		raise_epoch(picture, MB_RESET_SIZE);
	else if (gap)
		raise_epoch(picture, MB_RESET_GAP);

	picture->request.reason = MB_RESET_NONE;
	picture->target = target;
	picture->source_width = width;
	picture->source_height = height;
	picture->small_width = small_width;
	picture->small_height = small_height;
}
