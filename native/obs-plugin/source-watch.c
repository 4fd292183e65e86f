#include "picture.h"

/* Any thread. */
static void updated(void *data, calldata_t *call)
{
	struct mb_source_watch *watch = data;
	UNUSED_PARAMETER(call);
	os_atomic_set_bool(&watch->updated, true);
}

void mb_source_watch_follow(struct mb_source_watch *watch, obs_source_t *parent)
{
	if (watch->parent && obs_weak_source_references_source(watch->parent, parent))
		return;
	mb_source_watch_stop(watch);
	watch->parent = obs_source_get_weak_source(parent);
	signal_handler_connect(obs_source_get_signal_handler(parent), "update", updated, watch);
}

void mb_source_watch_stop(struct mb_source_watch *watch)
{
	/* A parent that is going away takes its signals along. */
	obs_source_t *parent = watch->parent ? obs_weak_source_get_source(watch->parent) : NULL;
	if (parent) {
		signal_handler_disconnect(obs_source_get_signal_handler(parent), "update", updated, watch);
		obs_source_release(parent);
	}
	obs_weak_source_release(watch->parent);
	watch->parent = NULL;
}
