#include "link.h"

#include <string.h>

#include <util/bmem.h>
#include <util/threading.h>

#include "link-internal.h"

struct mb_link *mb_link_create(const struct mb_link_listener *listener, const char *filter_id)
{
	struct mb_link *link = bzalloc(sizeof(*link));

	link->listener = *listener;
	strncpy(link->filter_id, filter_id, sizeof(link->filter_id) - 1);
	link->refs = 1;
	pthread_mutex_init(&link->work, NULL);
	pthread_mutex_init(&link->stats_mutex, NULL);
	pthread_mutex_init(&link->status_mutex, NULL);
	pthread_mutex_init(&link->lock, NULL);
	link->hot.socket = -1;
	link->hot.current = MB_MEMORY_NONE;
	link->hot.old = MB_MEMORY_NONE;
	mb_session_init(link);
	mb_link_thread_add(link);
	return link;
}

void mb_link_destroy(struct mb_link *link)
{
	if (link)
		mb_link_thread_remove(link);
}

static void wake(struct mb_link *link)
{
	if (link->thread)
		mb_link_thread_wake(link->thread);
}

/* --- G ------------------------------------------------------------------------------------------------------------ */

bool mb_link_try(struct mb_link *link, struct mb_link_state *state)
{
	if (pthread_mutex_trylock(&link->lock) != 0)
		return false;
	*state = (struct mb_link_state){
	        .welcomed = link->hot.socket >= 0 && !link->hot.broken,
	        .engine_error = link->hot.engine_error,
	        .connections = link->hot.connections,
	        .memories = link->hot.memories,
	};
	if (state->welcomed) {
		state->width = link->hot.current.header.width;
		state->height = link->hot.current.header.height;
	}
	return true;
}

void mb_link_leave(struct mb_link *link)
{
	pthread_mutex_unlock(&link->lock);
}

void mb_link_want_size(struct mb_link *link, uint32_t width, uint32_t height)
{
	uint64_t wanted = (uint64_t)width << 32 | height;

	if (atomic_exchange(&link->wanted_size, wanted) != wanted)
		wake(link);
}

unsigned char *mb_link_frame_begin(struct mb_link *link)
{
	return link->hot.socket >= 0 ? mb_frame_begin(&link->hot.current) : NULL;
}

void mb_link_frame_commit(struct mb_link *link, const struct mb_frame *frame)
{
	mb_frame_commit(&link->hot.current, frame);
	/* A peer that is gone is noticed by L. */
	mb_ring_doorbell(link->hot.socket);
}

static int peek(struct mb_link *link, struct mb_memory *memory, struct mb_matte *matte, const unsigned char **out)
{
	int result;

	if (memory->fd < 0)
		return 0;
	result = mb_matte_peek(memory, matte, out);
	if (result < 0) {
		link->hot.broken = true;
		wake(link);
		return 0;
	}
	link->hot.peeked = result ? memory : NULL;
	return result;
}

int mb_link_matte_peek(struct mb_link *link, struct mb_matte *matte, const unsigned char **coefficients)
{
	struct mb_memory *old = &link->hot.old;
	bool has_old = old->fd >= 0 && !link->hot.old_retired;

	if (link->hot.socket < 0 || link->hot.broken)
		return 0;
	if (has_old && peek(link, old, matte, coefficients))
		return 1;
	if (!peek(link, &link->hot.current, matte, coefficients))
		return 0;
	if (has_old) {
		/* What the sidecar put into the old memory it put there before this one: look once more. */
		if (peek(link, old, matte, coefficients))
			return 1;
		if (!peek(link, &link->hot.current, matte, coefficients))
			return 0;
		link->hot.old_retired = true;
		wake(link);
	}
	return 1;
}

void mb_link_matte_pop(struct mb_link *link)
{
	if (link->hot.peeked)
		mb_matte_pop(link->hot.peeked);
	link->hot.peeked = NULL;
}

/* --- mailboxes ---------------------------------------------------------------------------------------------------- */

void mb_link_settings(struct mb_link *link, const struct mb_settings *settings)
{
	bfree(atomic_exchange(&link->settings_box, bmemdup(settings, sizeof(*settings))));
	wake(link);
}

void mb_link_names(struct mb_link *link, const char *source, const char *filter, bool private_source)
{
	struct mb_names *names = bmalloc(sizeof(*names));

	*names = (struct mb_names){bstrdup(source ? source : ""), bstrdup(filter ? filter : ""), private_source};
	names = atomic_exchange(&link->names_box, names);
	if (names) {
		mb_names_free(names);
		bfree(names);
	}
	wake(link);
}

void mb_link_scene(struct mb_link *link, const char *scene)
{
	bfree(atomic_exchange(&link->scene_box, bstrdup(scene ? scene : "")));
	wake(link);
}

void mb_link_reset(struct mb_link *link, uint32_t epoch, enum mb_reset_reason reason, const char *from, const char *to)
{
	struct mb_reset_note *note = bzalloc(sizeof(*note));

	note->epoch = epoch;
	note->reason = reason;
	note->from = bstrdup(from);
	note->to = bstrdup(to);
	note->next = atomic_load(&link->resets_box);
	while (!atomic_compare_exchange_weak(&link->resets_box, &note->next, note))
		;
	wake(link);
}

void mb_link_stats(struct mb_link *link, const struct mb_filter_stats *stats)
{
	if (pthread_mutex_trylock(&link->stats_mutex) != 0)
		return;
	link->stats = *stats;
	link->has_stats = true;
	pthread_mutex_unlock(&link->stats_mutex);
}

void mb_link_wake_filter(struct mb_link *link)
{
	atomic_store(&link->wants_work, true);
	wake(link);
}
