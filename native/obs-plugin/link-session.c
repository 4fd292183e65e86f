/* What the link thread does for one link: connect, shake hands, exchange memory, carry messages, connect again. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <util/bmem.h>

#include "link-internal.h"

#define MS 1000000ULL
/* Connected for so long, a connection is sound: what breaks it later is not answered by waiting. */
#define SOUND_NS (1000 * MS)
#define REFUSED_RETRY_NS (5000 * MS)
#define STATS_NS (1000 * MS)
/* So long after `ready` the old memory's mattes are taken, where no new one comes. */
#define OLD_MEMORY_NS (1000 * MS)
/* A peer that does not read is tried again after so long. */
#define UNREAD_RETRY_NS (100 * MS)
/* Notes beyond are forgotten, oldest first: the frames' epochs carry the resets themselves. */
#define RESET_NOTES_MAX 32
#define LOG_LINES 6
#define LOG_REFILL_NS (10000 * MS)
/* Before the source has a size: that of 16:9 under `auto`, the likeliest, so that the engine can warm up for it. */
#define FIRST_WIDTH 512
#define FIRST_HEIGHT 288

static const uint64_t backoff_ns[] = {0, 100 * MS, 250 * MS};
#define BACKOFF_STEPS (sizeof(backoff_ns) / sizeof(backoff_ns[0]))

void mb_session_init(struct mb_link *link)
{
	struct mb_session *session = &link->session;

	session->socket = -1;
	session->offered = MB_MEMORY_NONE;
	session->scene = bstrdup("");
	session->log_lines = LOG_LINES;
}

static void drop_notes(struct mb_reset_note *notes)
{
	while (notes) {
		struct mb_reset_note *next = notes->next;

		mb_reset_note_free(notes);
		notes = next;
	}
}

/* --- what the page and the log say -------------------------------------------------------------------------------- */

static const char *const phase_words[] = {
        [MB_PHASE_ABSENT] = "no sidecar is listening; trying until one does",
        [MB_PHASE_UNUSABLE] = "the sidecar's socket cannot be used",
        [MB_PHASE_HANDSHAKE] = "waiting for the sidecar's answer",
        [MB_PHASE_SILENT] = "the sidecar does not answer; trying until it does",
        [MB_PHASE_REFUSED] = "the sidecar refuses this filter",
        [MB_PHASE_BREACH] = "the sidecar broke the protocol; connection dropped",
        [MB_PHASE_CONNECTED] = "connected to the sidecar",
};

/* One line for a change of state; none for a retry; few where a peer flaps. */
static void log_phase(struct mb_link *link, enum mb_phase phase, const char *detail, uint64_t now_ns)
{
	struct mb_session *session = &link->session;

	if (phase == MB_PHASE_HANDSHAKE || (session->has_logged && session->logged == phase))
		return;
	session->has_logged = true;
	session->logged = phase;
	if (now_ns - session->log_refill_ns >= LOG_REFILL_NS) {
		session->log_refill_ns = now_ns;
		if (session->log_lines < LOG_LINES)
			session->log_lines++;
	}
	if (session->log_lines == 0)
		return;
	session->log_lines--;
	blog(phase == MB_PHASE_CONNECTED || phase == MB_PHASE_ABSENT ? LOG_INFO : LOG_WARNING, "mattebox: '%s': %s%s%s",
	        session->names.filter, phase_words[phase], detail && *detail ? ": " : "", detail ? detail : "");
}

static void set_phase(struct mb_link *link, enum mb_phase phase, int trouble, const char *detail, uint64_t now_ns)
{
	bool changed;

	pthread_mutex_lock(&link->status_mutex);
	/* Each retry shakes hands: what it found last stays on the page until there is an answer. */
	if (phase == MB_PHASE_HANDSHAKE && link->status.phase > MB_PHASE_HANDSHAKE)
		phase = link->status.phase;
	changed = phase != MB_PHASE_HANDSHAKE && (link->status.phase != phase || link->status.trouble != trouble);
	link->status.phase = phase;
	link->status.trouble = trouble;
	if (phase != MB_PHASE_CONNECTED) {
		link->status.error = (struct mb_said){0};
		link->status.provider[0] = '\0';
	}
	pthread_mutex_unlock(&link->status_mutex);

	log_phase(link, phase, detail, now_ns);
	if (changed)
		link->listener.changed(link->listener.filter);
}

/* --- letting go --------------------------------------------------------------------------------------------------- */

/* Takes everything away from G, then closes it. */
static void close_all(struct mb_link *link)
{
	struct mb_session *session = &link->session;
	struct mb_memory current;
	struct mb_memory old;

	pthread_mutex_lock(&link->lock);
	current = link->hot.current;
	old = link->hot.old;
	link->hot.socket = -1;
	link->hot.current = MB_MEMORY_NONE;
	link->hot.old = MB_MEMORY_NONE;
	link->hot.peeked = NULL;
	link->hot.engine_error = false;
	link->hot.broken = false;
	link->hot.old_retired = false;
	pthread_mutex_unlock(&link->lock);

	mb_memory_close(&current);
	mb_memory_close(&old);
	mb_memory_close(&session->offered);
	session->offered = MB_MEMORY_NONE;
	if (session->socket >= 0)
		close(session->socket);
	session->socket = -1;
	session->welcomed = false;
	session->old_until_ns = 0;
	session->send_again_ns = 0;
	drop_notes(session->resets);
	session->resets = NULL;
}

static uint64_t backoff(struct mb_session *session)
{
	uint64_t delay = backoff_ns[session->failures < BACKOFF_STEPS ? session->failures : BACKOFF_STEPS - 1];

	session->failures++;
	return delay;
}

static void let_go(struct mb_link *link, enum mb_phase phase, int trouble, const char *detail, uint64_t now_ns)
{
	struct mb_session *session = &link->session;

	if (session->welcomed && now_ns - session->welcomed_ns >= SOUND_NS)
		session->failures = 0;
	close_all(link);
	session->due_ns = now_ns + (phase == MB_PHASE_REFUSED ? REFUSED_RETRY_NS : backoff(session));
	set_phase(link, phase, trouble, detail, now_ns);
}

void mb_session_free(struct mb_link *link)
{
	struct mb_session *session = &link->session;
	struct mb_names *names = atomic_exchange(&link->names_box, NULL);

	close_all(link);
	bfree(atomic_exchange(&link->settings_box, NULL));
	bfree(atomic_exchange(&link->scene_box, NULL));
	drop_notes(atomic_exchange(&link->resets_box, NULL));
	if (names) {
		mb_names_free(names);
		bfree(names);
	}
	mb_names_free(&session->names);
	bfree(session->scene);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* Sends and frees `body`. False where it did not go out: nothing more is sent for a while. */
static bool send_body(struct mb_link *link, uint8_t type, char *body, int fd, uint64_t now_ns)
{
	int result = mb_send(link->session.socket, type, body, strlen(body), fd);

	bfree(body);
	if (result == 0)
		return true;
	/* A peer that is gone may have said why: what it sent last is read before, and then its end. */
	link->session.send_again_ns = now_ns + UNREAD_RETRY_NS;
	return false;
}

static void send_resets(struct mb_link *link, uint64_t now_ns)
{
	struct mb_session *session = &link->session;

	while (session->resets) {
		struct mb_reset_note *note = session->resets;

		if (!send_body(link, MB_RESET, mb_message_reset(note), -1, now_ns))
			return;
		session->resets = note->next;
		mb_reset_note_free(note);
	}
}

static void send_stats(struct mb_link *link, uint64_t now_ns)
{
	struct mb_session *session = &link->session;
	struct mb_filter_stats stats;
	bool has_stats;

	if (now_ns < session->stats_due_ns)
		return;
	session->stats_due_ns = now_ns + STATS_NS;
	pthread_mutex_lock(&link->stats_mutex);
	stats = link->stats;
	has_stats = link->has_stats;
	pthread_mutex_unlock(&link->stats_mutex);
	/* Old figures are of no use: what the peer has no room for is not sent again. */
	if (has_stats)
		send_body(link, MB_STATS, mb_message_stats(&stats), -1, now_ns);
}

static void send_all(struct mb_link *link, uint64_t now_ns)
{
	struct mb_session *session = &link->session;

	if (now_ns < session->send_again_ns)
		return;
	session->send_again_ns = 0;
	if (session->settings_dirty && session->has_settings)
		session->settings_dirty =
		        !send_body(link, MB_SETTINGS, mb_settings_json(&session->settings), -1, now_ns);
	if (session->send_again_ns == 0 && session->names_dirty)
		session->names_dirty = !send_body(link, MB_RENAMED, mb_message_renamed(&session->names), -1, now_ns);
	if (session->send_again_ns == 0 && session->scene_dirty)
		session->scene_dirty = !send_body(link, MB_SCENE, mb_message_scene(session->scene), -1, now_ns);
	if (session->send_again_ns == 0)
		send_resets(link, now_ns);
	if (session->send_again_ns == 0)
		send_stats(link, now_ns);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* Another low resolution is wanted: offers memory for it. One offer at a time. */
static void offer_memory(struct mb_link *link, uint64_t now_ns)
{
	struct mb_session *session = &link->session;
	const struct mb_header *used = &link->hot.current.header; /* only L changes it */
	uint64_t wanted = atomic_load(&link->wanted_size);
	uint32_t width = (uint32_t)(wanted >> 32);
	uint32_t height = (uint32_t)wanted;
	int result;

	if (wanted == 0 || session->offered.fd >= 0 || (used->width == width && used->height == height) ||
	        now_ns < session->send_again_ns)
		return;
	result = mb_memory_create(&session->offered, width, height);
	if (result == 0 &&
	        send_body(link, MB_MEMORY, mb_message_memory(&session->offered), session->offered.fd, now_ns))
		return;
	if (result == 0)
		mb_memory_close(&session->offered);
	else
		session->send_again_ns = now_ns + STATS_NS;
	session->offered = MB_MEMORY_NONE;
}

static void use_offered(struct mb_link *link, uint64_t now_ns)
{
	struct mb_session *session = &link->session;
	struct mb_memory older;

	pthread_mutex_lock(&link->lock);
	older = link->hot.old;
	link->hot.old = link->hot.current;
	link->hot.old_retired = false;
	link->hot.current = session->offered;
	link->hot.peeked = NULL;
	link->hot.memories++;
	pthread_mutex_unlock(&link->lock);
	mb_memory_close(&older);
	session->offered = MB_MEMORY_NONE;
	session->old_until_ns = now_ns + OLD_MEMORY_NS;
}

static void close_old_memory(struct mb_link *link, uint64_t now_ns)
{
	struct mb_session *session = &link->session;
	struct mb_memory old = MB_MEMORY_NONE;

	if (session->old_until_ns == 0)
		return;
	pthread_mutex_lock(&link->lock);
	if (link->hot.old_retired || now_ns >= session->old_until_ns) {
		old = link->hot.old;
		link->hot.old = MB_MEMORY_NONE;
		link->hot.old_retired = false;
		if (link->hot.peeked == &link->hot.old)
			link->hot.peeked = NULL;
		session->old_until_ns = 0;
	}
	pthread_mutex_unlock(&link->lock);
	mb_memory_close(&old);
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

/* False where the key is missing or of another type. */
static bool read_text(obs_data_t *body, const char *key, char *out, size_t capacity)
{
	obs_data_item_t *item = obs_data_item_byname(body, key);
	bool found = item && obs_data_item_gettype(item) == OBS_DATA_STRING;

	if (found) {
		strncpy(out, obs_data_item_get_string(item), capacity - 1);
		out[capacity - 1] = '\0';
	} else {
		out[0] = '\0';
	}
	obs_data_item_release(&item);
	return found;
}

static bool read_number(obs_data_t *body, const char *key, double *out)
{
	obs_data_item_t *item = obs_data_item_byname(body, key);
	bool found = item && obs_data_item_gettype(item) == OBS_DATA_NUMBER;

	*out = found ? obs_data_item_get_double(item) : 0;
	obs_data_item_release(&item);
	return found;
}

static bool read_bool(obs_data_t *body, const char *key, bool *out)
{
	obs_data_item_t *item = obs_data_item_byname(body, key);
	bool found = item && obs_data_item_gettype(item) == OBS_DATA_BOOLEAN;

	*out = found && obs_data_item_get_bool(item);
	obs_data_item_release(&item);
	return found;
}

static bool read_said(obs_data_t *body, struct mb_said *said)
{
	bool has_message = read_text(body, "message", said->message, sizeof(said->message));

	return read_text(body, "mend", said->mend, sizeof(said->mend)) && has_message;
}

/* Handlers return false for a breach. */

static bool on_welcome(struct mb_link *link, obs_data_t *body, uint64_t now_ns)
{
	struct mb_session *session = &link->session;
	char sidecar[sizeof(link->status.sidecar)];
	double wire;

	if (session->welcomed || !read_number(body, "wire", &wire) ||
	        !read_text(body, "sidecar", sidecar, sizeof(sidecar)) || wire != MB_WIRE_VERSION)
		return false;
	session->welcomed = true;
	session->ever_welcomed = true;
	session->welcomed_ns = now_ns;
	session->stats_due_ns = now_ns + STATS_NS;
	session->settings_dirty = true;
	session->scene_dirty = true;

	pthread_mutex_lock(&link->status_mutex);
	memcpy(link->status.sidecar, sidecar, sizeof(sidecar));
	memset(link->status.resets, 0, sizeof(link->status.resets));
	pthread_mutex_unlock(&link->status_mutex);
	set_phase(link, MB_PHASE_CONNECTED, 0, sidecar, now_ns);

	pthread_mutex_lock(&link->lock);
	link->hot.socket = session->socket;
	link->hot.current = session->offered;
	link->hot.connections++;
	link->hot.memories++;
	pthread_mutex_unlock(&link->lock);
	session->offered = MB_MEMORY_NONE;
	return true;
}

static bool on_refused(struct mb_link *link, obs_data_t *body, uint64_t now_ns)
{
	struct mb_said said;

	if (!read_said(body, &said))
		return false;
	pthread_mutex_lock(&link->status_mutex);
	link->status.refused = said;
	pthread_mutex_unlock(&link->status_mutex);
	let_go(link, MB_PHASE_REFUSED, 0, said.message, now_ns);
	return true;
}

static bool on_ready(struct mb_link *link, obs_data_t *body, uint64_t now_ns)
{
	const struct mb_header *offered = &link->session.offered.header;
	double width;
	double height;

	if (!read_number(body, "width", &width) || !read_number(body, "height", &height) ||
	        link->session.offered.fd < 0 || width != offered->width || height != offered->height)
		return false;
	use_offered(link, now_ns);
	return true;
}

static void read_status(obs_data_t *body, struct mb_status *status)
{
	obs_data_t *resets = obs_data_get_obj(body, "resets");
	obs_data_t *error = obs_data_get_obj(body, "error");

	read_text(body, "provider", status->provider, sizeof(status->provider));
	read_text(body, "device", status->device, sizeof(status->device));
	read_text(body, "model", status->model, sizeof(status->model));
	read_number(body, "inferenceMs", &status->inference_ms);
	status->error = (struct mb_said){0};
	if (error && !read_said(error, &status->error) && !*status->error.message)
		strcpy(status->error.message, "?");
	for (int i = MB_RESET_FILTER_REASONS; resets && i < MB_RESET_REASONS; i++) {
		long long count = obs_data_get_int(resets, mb_reset_words[i]);

		status->resets[i] = count > 0 ? (uint64_t)count : 0;
	}
	obs_data_release(resets);
	obs_data_release(error);
}

static bool on_stats(struct mb_link *link, obs_data_t *body)
{
	char error[sizeof(link->status.error.message)];
	char provider[sizeof(link->status.provider)];
	bool changed;

	pthread_mutex_lock(&link->status_mutex);
	memcpy(error, link->status.error.message, sizeof(error));
	memcpy(provider, link->status.provider, sizeof(provider));
	read_status(body, &link->status);
	changed = strcmp(error, link->status.error.message) != 0 || strcmp(provider, link->status.provider) != 0;
	memcpy(error, link->status.error.message, sizeof(error));
	pthread_mutex_unlock(&link->status_mutex);

	pthread_mutex_lock(&link->lock);
	link->hot.engine_error = *error != '\0';
	pthread_mutex_unlock(&link->lock);
	if (changed)
		link->listener.changed(link->listener.filter);
	return true;
}

static void on_bye(struct mb_link *link, uint64_t now_ns)
{
	struct mb_session *session = &link->session;
	/* At once, but not round and round with a peer that says nothing else. */
	bool at_once = session->welcomed && (session->bye_ns == 0 || now_ns - session->bye_ns >= SOUND_NS);

	if (!at_once) {
		let_go(link, MB_PHASE_ABSENT, 0, NULL, now_ns);
		return;
	}
	/* A successor is expected: neither page nor log need to know. */
	close_all(link);
	session->bye_ns = now_ns;
	session->due_ns = now_ns;
	session->failures = 1;
}

static bool dispatch(struct mb_link *link, uint8_t type, obs_data_t *body, uint64_t now_ns)
{
	const struct mb_link_listener *listener = &link->listener;
	bool on;

	if (type == MB_WELCOME)
		return on_welcome(link, body, now_ns);
	if (type == MB_REFUSED)
		return !link->session.welcomed && on_refused(link, body, now_ns);
	if (type == MB_BYE) {
		on_bye(link, now_ns);
		return true;
	}
	if (!link->session.welcomed)
		return false;
	switch (type) {
	case MB_READY:
		return on_ready(link, body, now_ns);
	case MB_SET:
		/* Where nothing was taken, the answer is what stands. */
		if (!listener->set(listener->filter, body))
			link->session.settings_dirty = true;
		return true;
	case MB_RESET:
		listener->reset(listener->filter);
		return true;
	case MB_COVER:
		if (!read_bool(body, "on", &on))
			return false;
		listener->cover(listener->filter, on);
		return true;
	case MB_STATS:
		return on_stats(link, body);
	default:
		return false;
	}
}

static void receive_all(struct mb_link *link, uint64_t now_ns, struct mb_message *message)
{
	struct mb_session *session = &link->session;

	/* As many as a full socket holds: a peer that never stops talking must not keep L from other links. */
	for (int i = 0; session->socket >= 0 && i < 256; i++) {
		int result = mb_receive(session->socket, message);
		obs_data_t *body = NULL;
		bool sound;

		if (result == 0)
			return;
		if (result < 0) {
			let_go(link, result == -EPROTO ? MB_PHASE_BREACH : MB_PHASE_ABSENT, 0, NULL, now_ns);
			return;
		}
		if (message->type == MB_DOORBELL)
			continue; /* G looks at the rings in every tick anyway */
		if (message->fd >= 0)
			close(message->fd);
		/* libobs logs what it cannot parse: do not hand it what cannot be an object. */
		if (message->fd < 0 && message->body[0] == '{')
			body = obs_data_create_from_json(message->body);
		sound = body && dispatch(link, message->type, body, now_ns);
		obs_data_release(body);
		if (!sound)
			let_go(link, MB_PHASE_BREACH, 0, NULL, now_ns);
	}
}

/* --- connecting --------------------------------------------------------------------------------------------------- */

static void offer_first_memory(struct mb_link *link, int *result)
{
	uint64_t wanted = atomic_load(&link->wanted_size);
	uint32_t width = wanted ? (uint32_t)(wanted >> 32) : FIRST_WIDTH;
	uint32_t height = wanted ? (uint32_t)wanted : FIRST_HEIGHT;

	*result = mb_memory_create(&link->session.offered, width, height);
	if (*result != 0)
		link->session.offered = MB_MEMORY_NONE;
}

static void try_to_connect(struct mb_link *link, uint64_t now_ns)
{
	struct mb_session *session = &link->session;
	char path[128];
	char *hello;
	int result = mb_socket_path(path, sizeof(path));

	if (result >= 0)
		result = mb_connect(path);
	if (result < 0) {
		bool absent = result == -ENOENT || result == -ECONNREFUSED;

		if (result == -EAGAIN)
			let_go(link, MB_PHASE_SILENT, 0, NULL, now_ns);
		else
			let_go(link, absent ? MB_PHASE_ABSENT : MB_PHASE_UNUSABLE, absent ? 0 : -result,
			        absent ? NULL : strerror(-result), now_ns);
		return;
	}
	session->socket = result;
	offer_first_memory(link, &result);
	if (result == 0) {
		hello = mb_message_hello(link);
		result = mb_send(session->socket, MB_HELLO, hello, strlen(hello), session->offered.fd);
		bfree(hello);
	}
	if (result != 0 && result != -EPIPE) {
		let_go(link, MB_PHASE_UNUSABLE, -result, strerror(-result), now_ns);
		return;
	}
	/* Names may change while nobody listens; `hello` has the newest. */
	session->names_dirty = false;
	session->due_ns = now_ns + MB_HANDSHAKE_MS * MS;
	set_phase(link, MB_PHASE_HANDSHAKE, 0, NULL, now_ns);
}

/* --- serving ------------------------------------------------------------------------------------------------------ */

static void take_notes(struct mb_link *link)
{
	struct mb_session *session = &link->session;
	struct mb_reset_note *stack = atomic_exchange(&link->resets_box, NULL);
	struct mb_reset_note *oldest = NULL;
	struct mb_reset_note **end = &session->resets;
	unsigned count = 0;

	if (!session->welcomed) {
		drop_notes(stack);
		return;
	}
	while (stack) {
		struct mb_reset_note *next = stack->next;

		stack->next = oldest;
		oldest = stack;
		stack = next;
	}
	while (*end)
		end = &(*end)->next;
	*end = oldest;
	for (struct mb_reset_note *note = session->resets; note; note = note->next)
		count++;
	for (; count > RESET_NOTES_MAX; count--) {
		struct mb_reset_note *note = session->resets;

		session->resets = note->next;
		mb_reset_note_free(note);
	}
}

static void take_mail(struct mb_link *link)
{
	struct mb_session *session = &link->session;
	struct mb_settings *settings = atomic_exchange(&link->settings_box, NULL);
	struct mb_names *names = atomic_exchange(&link->names_box, NULL);
	char *scene = atomic_exchange(&link->scene_box, NULL);

	if (settings) {
		session->settings = *settings;
		session->has_settings = true;
		session->settings_dirty = true;
		bfree(settings);
	}
	if (names) {
		mb_names_free(&session->names);
		session->names = *names;
		session->has_names = true;
		session->names_dirty = true;
		bfree(names);
	}
	if (scene) {
		bfree(session->scene);
		session->scene = scene;
		session->scene_dirty = true;
	}
	take_notes(link);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return b != 0 && b < a ? b : a;
}

static bool found_broken(struct mb_link *link)
{
	bool broken;

	pthread_mutex_lock(&link->lock);
	broken = link->hot.broken;
	pthread_mutex_unlock(&link->lock);
	return broken;
}

uint64_t mb_session_serve(struct mb_link *link, uint64_t now_ns, struct mb_message *message)
{
	struct mb_session *session = &link->session;
	uint64_t next_ns;

	if (atomic_exchange(&link->wants_work, false))
		link->listener.work(link->listener.filter);
	take_mail(link);
	if (!session->has_names)
		return UINT64_MAX;

	if (session->socket < 0 && now_ns >= session->due_ns)
		try_to_connect(link, now_ns);
	if (session->socket >= 0)
		receive_all(link, now_ns, message);
	if (session->socket >= 0 && !session->welcomed && now_ns >= session->due_ns)
		let_go(link, MB_PHASE_SILENT, 0, NULL, now_ns);
	if (session->welcomed && found_broken(link))
		let_go(link, MB_PHASE_BREACH, 0, NULL, now_ns);
	if (!session->welcomed)
		return session->due_ns;

	close_old_memory(link, now_ns);
	offer_memory(link, now_ns);
	send_all(link, now_ns);
	next_ns = earlier(session->stats_due_ns, session->send_again_ns);
	return earlier(next_ns, session->old_until_ns);
}
