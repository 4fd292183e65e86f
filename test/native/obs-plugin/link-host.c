/* A filter's link without OBS's graphics: the main thread is the graphics
 * thread, commands come by stdin, what happens is printed. link.test.ts drives
 * it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <obs.h>
#include <util/bmem.h>
#include <util/threading.h>

#include "event.h"
#include "link.h"

/* The plugin's locale is module.c's. */
MODULE_EXPORT const char *obs_module_text(const char *key)
{
	return key;
}

static struct mb_link *link_of_test;
static obs_data_t *settings_of_test;

/* --- listener (L)
 * -------------------------------------------------------------------------------------------------
 */

static void simple_event(const char *name)
{
	struct mb_json json;

	event_open(&json, name);
	event_print(&json);
}

static void on_reset(void *filter)
{
	(void)filter;
	simple_event("reset");
}

static void on_cover(void *filter, bool on)
{
	struct mb_json json;

	(void)filter;
	event_open(&json, "cover");
	mb_json_bool(&json, "on", on);
	event_print(&json);
}

static void give_settings(void)
{
	struct mb_settings settings;

	mb_settings_read(settings_of_test, &settings);
	mb_link_settings(link_of_test, &settings);
}

static bool on_set(void *filter, obs_data_t *changes)
{
	struct mb_json json;
	int taken = mb_settings_apply(settings_of_test, changes);

	(void)filter;
	event_open(&json, "set");
	mb_json_integer(&json, "taken", (uint64_t)taken);
	event_print(&json);
	if (taken)
		give_settings();
	return taken > 0;
}

static void on_changed(void *filter)
{
	(void)filter;
	simple_event("changed");
}

static void on_work(void *filter)
{
	(void)filter;
	simple_event("work");
}

/* --- commands
 * -----------------------------------------------------------------------------------------------------
 */

static void print_state(void)
{
	struct mb_link_state state;
	struct mb_json json;

	while (!mb_link_try(link_of_test, &state))
		usleep(100);
	mb_link_leave(link_of_test);
	event_open(&json, "state");
	mb_json_bool(&json, "welcomed", state.welcomed);
	mb_json_bool(&json, "engineError", state.engine_error);
	mb_json_integer(&json, "width", state.width);
	mb_json_integer(&json, "height", state.height);
	mb_json_integer(&json, "connections", state.connections);
	mb_json_integer(&json, "memories", state.memories);
	event_print(&json);
}

static void write_frame(uint64_t id)
{
	struct mb_link_state state;
	struct mb_json json;
	unsigned char *pixels = NULL;

	while (!mb_link_try(link_of_test, &state))
		usleep(100);
	if (state.welcomed)
		pixels = mb_link_frame_begin(link_of_test);
	if (pixels) {
		struct mb_frame frame = {.id = id,
		        .epoch = 1,
		        .reason = MB_RESET_FIRST,
		        .width = state.width,
		        .height = state.height,
		        .source_width = 1920,
		        .source_height = 1080};

		memset(pixels, (int)id, (size_t)state.width * state.height * MB_BYTES_PER_PIXEL);
		mb_link_frame_commit(link_of_test, &frame);
	}
	mb_link_leave(link_of_test);
	event_open(&json, "frame");
	mb_json_bool(&json, "sent", pixels != NULL);
	event_print(&json);
}

static void take_mattes(void)
{
	struct mb_link_state state;
	struct mb_matte matte;
	struct mb_json json;
	const unsigned char *coefficients;

	while (!mb_link_try(link_of_test, &state))
		usleep(100);
	event_open(&json, "mattes");
	mb_json_open(&json, "of", '[');
	while (mb_link_matte_peek(link_of_test, &matte, &coefficients) == 1) {
		mb_json_open(&json, NULL, '{');
		mb_json_integer(&json, "frame", matte.frame_id);
		mb_json_integer(&json, "width", matte.width);
		mb_json_close(&json, '}');
		mb_link_matte_pop(link_of_test);
	}
	mb_json_close(&json, ']');
	mb_link_leave(link_of_test);
	event_print(&json);
}

static void describe(void)
{
	struct mb_json json;
	char *text = mb_link_describe(link_of_test);

	event_open(&json, "page");
	mb_json_string(&json, "text", text);
	event_print(&json);
	bfree(text);
}

/* How often this thread was made to wait. */
static long waits(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

/* A graphics thread at full tilt: every call that it may make. Counts how often
 * those of every tick made it wait. */
static void hammer(int milliseconds)
{
	uint64_t end = mb_now_ns() + (uint64_t)milliseconds * 1000000U;
	uint64_t calls = 0;
	long waited = 0;
	uint64_t sent = 0;
	uint64_t answered = 0;
	uint64_t id = 0;
	struct mb_filter_stats stats = {0};
	struct mb_json json;

	while (mb_now_ns() < end) {
		struct mb_link_state state;
		long before;

		if (++calls % 64 == 0) {
			mb_link_want_size(link_of_test, 64 + (uint32_t)(calls / 64 % 3) * 16, 64);
			mb_link_reset(link_of_test, (uint32_t)calls, MB_RESET_SCENE, "from", "to");
			mb_link_scene(link_of_test, calls % 128 ? "one" : "two");
			mb_link_names(link_of_test, "source", "filter", false);
		}
		before = waits();
		mb_link_stats(link_of_test, &stats);
		if (mb_link_try(link_of_test, &state)) {
			struct mb_matte matte;
			const unsigned char *coefficients;
			unsigned char *pixels = state.welcomed ? mb_link_frame_begin(link_of_test) : NULL;

			if (pixels) {
				struct mb_frame frame = {.id = ++id,
				        .epoch = 1,
				        .reason = MB_RESET_FIRST,
				        .width = state.width,
				        .height = state.height,
				        .source_width = 64,
				        .source_height = 64};

				mb_link_frame_commit(link_of_test, &frame);
				sent++;
			}
			while (mb_link_matte_peek(link_of_test, &matte, &coefficients) == 1) {
				mb_link_matte_pop(link_of_test);
				answered++;
			}
			mb_link_leave(link_of_test);
		}
		waited += waits() - before;
		usleep(500);
	}
	event_open(&json, "hammered");
	mb_json_integer(&json, "calls", calls);
	mb_json_integer(&json, "sent", sent);
	mb_json_integer(&json, "answered", answered);
	mb_json_integer(&json, "waits", (uint64_t)waited);
	event_print(&json);
}

static void command(char *line)
{
	char *rest = line;
	char *word = strsep(&rest, " \n");
	char *a = strsep(&rest, " \n");
	char *b = rest ? strsep(&rest, " \n") : NULL;
	char *c = rest ? strsep(&rest, " \n") : NULL;
	char *d = rest ? strsep(&rest, " \n") : NULL;

	if (strcmp(word, "names") == 0) {
		mb_link_names(link_of_test, a, b, c && *c == '1');
	} else if (strcmp(word, "settings") == 0) {
		obs_data_t *changes = obs_data_create_from_json(a);

		obs_data_apply(settings_of_test, changes);
		obs_data_release(changes);
		give_settings();
	} else if (strcmp(word, "want") == 0) {
		mb_link_want_size(link_of_test, (uint32_t)atoi(a), (uint32_t)atoi(b));
	} else if (strcmp(word, "scene") == 0) {
		mb_link_scene(link_of_test, a);
	} else if (strcmp(word, "reset") == 0) {
		mb_link_reset(link_of_test, (uint32_t)atoi(a), (enum mb_reset_reason)atoi(b), c, d);
	} else if (strcmp(word, "stats") == 0) {
		struct mb_filter_stats stats = {.fps = 29.5,
		        .width = 512,
		        .height = 288,
		        .sent = 7,
		        .answered = 7,
		        .error = a && *a ? "Error.Memory" : NULL};

		mb_link_stats(link_of_test, &stats);
	} else if (strcmp(word, "work") == 0) {
		mb_link_wake_filter(link_of_test);
	} else if (strcmp(word, "state") == 0) {
		print_state();
	} else if (strcmp(word, "frame") == 0) {
		write_frame(strtoull(a, NULL, 10));
	} else if (strcmp(word, "mattes") == 0) {
		take_mattes();
	} else if (strcmp(word, "page") == 0) {
		describe();
	} else if (strcmp(word, "hammer") == 0) {
		hammer(atoi(a));
	} else {
		fprintf(stderr, "unknown command: %s\n", word);
		exit(2);
	}
}

static void quiet(int level, const char *format, va_list arguments, void *param)
{
	(void)param;
	if (level > LOG_INFO)
		return;
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

int main(void)
{
	static const struct mb_link_listener listener = {
	        .reset = on_reset,
	        .cover = on_cover,
	        .set = on_set,
	        .changed = on_changed,
	        .work = on_work,
	};
	char line[8192];
	uint64_t start;
	struct mb_json json;
	long allocations;

	base_set_log_handler(quiet, NULL);
	allocations = bnum_allocs();
	settings_of_test = obs_data_create();
	mb_settings_defaults(settings_of_test);
	link_of_test = mb_link_create(&listener, "0123456789abcdef");
	give_settings();
	while (fgets(line, sizeof(line), stdin))
		command(line);

	start = mb_now_ns();
	mb_link_destroy(link_of_test);
	start = mb_now_ns() - start;
	obs_data_release(settings_of_test);
	allocations = bnum_allocs() - allocations;
	event_open(&json, "destroyed");
	mb_json_number(&json, "ms", (double)start / 1e6);
	mb_json_integer(&json, "leaked", (uint64_t)allocations);
	event_print(&json);
	return 0;
}
