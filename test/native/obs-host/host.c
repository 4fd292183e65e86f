/* A libobs process without a window, driven line by line: a JSON command on
 * standard input, a JSON answer on standard output, in order. Everything is
 * done on the main thread, as OBS does on its UI thread.
 *
 * Answers: {"ok":true,"ms":...,...} or {"ok":false,"error":"..."}; `ms` is what
 * the command took. */
#include <X11/Xlib.h>
#include <execinfo.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <obs-module.h>
#include <obs-nix-platform.h>
#include <util/platform.h>

#include "host.h"

static Display *display;
static obs_source_t *transition; /* on channel 0, as in OBS's own window */

void mb_json_string(struct dstr *out, const char *text)
{
	dstr_cat_ch(out, '"');
	for (const char *c = text ? text : ""; *c; c++) {
		if (*c == '"' || *c == '\\')
			dstr_catf(out, "\\%c", *c);
		else if ((unsigned char)*c < 32)
			dstr_catf(out, "\\u%04x", (unsigned)*c);
		else
			dstr_cat_ch(out, *c);
	}
	dstr_cat_ch(out, '"');
}

static const char *text(obs_data_t *command, const char *key)
{
	return obs_data_get_string(command, key);
}

/* A source by name; the caller releases it. */
static obs_source_t *source_named(const char *name)
{
	return obs_get_source_by_name(name);
}

/* The filter of command's `source` and `filter`; the caller releases it. */
static obs_source_t *filter_of(obs_data_t *command)
{
	obs_source_t *source = source_named(text(command, "source"));
	obs_source_t *filter = source ? obs_source_get_filter_by_name(source, text(command, "filter")) : NULL;
	obs_source_release(source);
	return filter;
}

/* --- commands: each returns NULL, or what is wrong
 * ---------------------------------------------------------------- */

static const char *start(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	display = XOpenDisplay(NULL);
	if (display == NULL)
		return "no X display";
	obs_set_nix_platform(OBS_NIX_PLATFORM_X11_EGL);
	obs_set_nix_platform_display(display);
	if (!obs_startup("en-US", text(command, "config"), NULL))
		return "obs_startup failed";
	uint32_t width = (uint32_t)obs_data_get_int(command, "width");
	uint32_t height = (uint32_t)obs_data_get_int(command, "height");
	struct obs_video_info video = {
	        .graphics_module = "libobs-opengl",
	        .fps_num = (uint32_t)obs_data_get_int(command, "fps"),
	        .fps_den = 1,
	        .base_width = width,
	        .base_height = height,
	        .output_width = width,
	        .output_height = height,
	        .output_format = VIDEO_FORMAT_BGRA,
	        .gpu_conversion = true,
	        .colorspace = VIDEO_CS_709,
	        .range = VIDEO_RANGE_FULL,
	        .scale_type = OBS_SCALE_POINT,
	};
	if (obs_reset_video(&video) != OBS_VIDEO_SUCCESS)
		return "obs_reset_video failed";
	struct obs_audio_info audio = {.samples_per_sec = 48000, .speakers = SPEAKERS_STEREO};
	if (!obs_reset_audio(&audio))
		return "obs_reset_audio failed";
	mb_register_sources();
	mb_register_clip();
	mb_cost_start();
	return NULL;
}

static const char *module(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_module_t *module;
	int code = obs_open_module(&module, text(command, "path"), text(command, "data"));
	if (code != MODULE_SUCCESS)
		return "the module does not open";
	return obs_init_module(module) ? NULL : "the module does not start";
}

static const char *modules_done(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(command);
	UNUSED_PARAMETER(answer);
	obs_post_load_modules();
	return NULL;
}

/* Sources belong to those who made them, here: this process. */
static const char *create(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_data_t *settings = obs_data_get_obj(command, "settings");
	obs_source_t *source = obs_source_create(text(command, "kind"), text(command, "source"), settings, NULL);
	obs_data_release(settings);
	return source ? NULL : "no such kind of source"; /* released by `remove` */
}

static const char *update(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_source_t *source = *text(command, "filter") ? filter_of(command) : source_named(text(command, "source"));
	if (source == NULL)
		return "no such source or filter";
	obs_data_t *settings = obs_data_get_obj(command, "settings");
	obs_source_update(source, settings);
	obs_data_release(settings);
	obs_source_release(source);
	return NULL;
}

static const char *remove_source(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_source_t *source = source_named(text(command, "source"));
	if (source == NULL)
		return "no such source";
	obs_source_remove(source);
	obs_source_release(source);
	obs_source_release(source); /* `create`'s */
	return NULL;
}

static const char *rename_source(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_source_t *source = *text(command, "filter") ? filter_of(command) : source_named(text(command, "source"));
	if (source == NULL)
		return "no such source or filter";
	obs_source_set_name(source, text(command, "to"));
	obs_source_release(source);
	return NULL;
}

static const char *add_filter(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_source_t *source = source_named(text(command, "source"));
	if (source == NULL)
		return "no such source";
	obs_data_t *settings = obs_data_get_obj(command, "settings");
	obs_source_t *filter = obs_source_create_private(text(command, "kind"), text(command, "filter"), settings);
	obs_data_release(settings);
	if (filter != NULL)
		obs_source_filter_add(source, filter);
	obs_source_release(filter);
	obs_source_release(source);
	return filter ? NULL : "no such kind of filter";
}

static const char *remove_filter(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_source_t *source = source_named(text(command, "source"));
	obs_source_t *filter = filter_of(command);
	if (filter != NULL)
		obs_source_filter_remove(source, filter);
	obs_source_release(source);
	obs_source_release(filter);
	return filter ? NULL : "no such filter";
}

static const char *enable_filter(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_source_t *filter = filter_of(command);
	if (filter == NULL)
		return "no such filter";
	obs_source_set_enabled(filter, obs_data_get_bool(command, "on"));
	obs_source_release(filter);
	return NULL;
}

static const char *settings(obs_data_t *command, struct dstr *answer)
{
	obs_source_t *filter = filter_of(command);
	if (filter == NULL)
		return "no such filter";
	obs_data_t *data = obs_source_get_settings(filter);
	dstr_catf(answer, "\"settings\":%s", obs_data_get_json(data));
	obs_data_release(data);
	obs_source_release(filter);
	return NULL;
}

static void list_properties(obs_properties_t *properties, struct dstr *answer, bool *first)
{
	for (obs_property_t *p = obs_properties_first(properties); p != NULL; obs_property_next(&p)) {
		dstr_cat(answer, *first ? "{\"name\":" : ",{\"name\":");
		*first = false;
		mb_json_string(answer, obs_property_name(p));
		dstr_cat(answer, ",\"label\":");
		mb_json_string(answer, obs_property_description(p));
		dstr_catf(answer, ",\"visible\":%s}", obs_property_visible(p) ? "true" : "false");
		if (obs_property_get_type(p) == OBS_PROPERTY_GROUP)
			list_properties(obs_property_group_content(p), answer, first);
	}
}

static const char *properties(obs_data_t *command, struct dstr *answer)
{
	obs_source_t *filter = filter_of(command);
	if (filter == NULL)
		return "no such filter";
	obs_properties_t *list = obs_source_properties(filter);
	bool first = true;
	dstr_cat(answer, "\"properties\":[");
	list_properties(list, answer, &first);
	dstr_cat(answer, "]");
	obs_properties_destroy(list);
	obs_source_release(filter);
	return NULL;
}

static const char *deinterlace(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_source_t *source = source_named(text(command, "source"));
	if (source == NULL)
		return "no such source";
	obs_source_set_deinterlace_mode(source, (enum obs_deinterlace_mode)obs_data_get_int(command, "mode"));
	obs_source_release(source);
	return NULL;
}

static const char *create_scene(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	return obs_scene_create(text(command, "scene")) ? NULL : "the scene cannot be made"; /* released at the end */
}

static const char *add_item(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_scene_t *scene = obs_get_scene_by_name(text(command, "scene"));
	obs_source_t *source = source_named(text(command, "source"));
	const char *error = scene && source ? NULL : "no such scene or source";
	if (error == NULL) {
		obs_sceneitem_t *item = obs_scene_add(scene, source);
		struct vec2 at;
		vec2_set(&at, (float)obs_data_get_double(command, "x"), (float)obs_data_get_double(command, "y"));
		obs_sceneitem_set_pos(item, &at);
		if (obs_data_get_int(command, "width") > 0) {
			struct vec2 bounds;
			vec2_set(&bounds, (float)obs_data_get_double(command, "width"),
			        (float)obs_data_get_double(command, "height"));
			obs_sceneitem_set_bounds_type(item, OBS_BOUNDS_STRETCH);
			obs_sceneitem_set_bounds(item, &bounds);
		}
	}
	obs_source_release(source);
	obs_scene_release(scene);
	return error;
}

static const char *show_item(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_scene_t *scene = obs_get_scene_by_name(text(command, "scene"));
	obs_sceneitem_t *item = scene ? obs_scene_find_source(scene, text(command, "source")) : NULL;
	if (item != NULL)
		obs_sceneitem_set_visible(item, obs_data_get_bool(command, "on"));
	obs_scene_release(scene);
	return item ? NULL : "no such item";
}

static const char *remove_item(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_scene_t *scene = obs_get_scene_by_name(text(command, "scene"));
	obs_sceneitem_t *item = scene ? obs_scene_find_source(scene, text(command, "source")) : NULL;
	if (item != NULL)
		obs_sceneitem_remove(item);
	obs_scene_release(scene);
	return item ? NULL : "no such item";
}

/* Shows a scene as OBS's window does: through a transition on channel 0. */
static const char *program(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	obs_source_t *scene = source_named(text(command, "scene"));
	const char *kind = text(command, "transition");
	if (scene == NULL)
		return "no such scene";
	if (transition == NULL || strcmp(obs_source_get_id(transition), kind) != 0) {
		obs_source_t *next = obs_source_create_private(kind, kind, NULL);
		if (next == NULL) {
			obs_source_release(scene);
			return "no such transition";
		}
		if (transition != NULL)
			obs_transition_swap_begin(next, transition);
		obs_set_output_source(0, next);
		if (transition != NULL)
			obs_transition_swap_end(next, transition);
		obs_source_release(transition);
		transition = next;
	}
	if (obs_data_get_bool(command, "forced"))
		obs_transition_set(transition, scene);
	else
		obs_transition_start(
		        transition, OBS_TRANSITION_MODE_AUTO, (uint32_t)obs_data_get_int(command, "durationMs"), scene);
	obs_source_release(scene);
	return NULL;
}

static const char *capture(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(answer);
	mb_capture_begin(command);
	return NULL;
}

static const char *captured(obs_data_t *command, struct dstr *answer)
{
	mb_capture_take(command, answer);
	return NULL;
}

static const char *probe(obs_data_t *command, struct dstr *answer)
{
	mb_probe(command, answer);
	return NULL;
}

static const char *take_cost(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(command);
	mb_cost_take(answer);
	return NULL;
}

struct wanted_hotkey {
	const char *name;
	obs_hotkey_id id;
	char description[256];
};

static bool match_hotkey(void *data, obs_hotkey_id id, obs_hotkey_t *key)
{
	struct wanted_hotkey *wanted = data;
	if (strstr(obs_hotkey_get_name(key), wanted->name) == NULL)
		return true;
	wanted->id = id;
	snprintf(wanted->description, sizeof(wanted->description), "%s", obs_hotkey_get_description(key));
	return false;
}

static const char *hotkey(obs_data_t *command, struct dstr *answer)
{
	struct wanted_hotkey wanted = {text(command, "name"), OBS_INVALID_HOTKEY_ID, ""};
	obs_enum_hotkeys(match_hotkey, &wanted);
	if (wanted.id == OBS_INVALID_HOTKEY_ID)
		return "no such hotkey";
	dstr_cat(answer, "\"description\":");
	mb_json_string(answer, wanted.description);
	obs_hotkey_enable_callback_rerouting(true); /* or the next call does nothing */
	obs_hotkey_trigger_routed_callback(wanted.id, true);
	os_sleep_ms(50); /* a finger lets frames pass */
	obs_hotkey_trigger_routed_callback(wanted.id, false);
	return NULL;
}

static const char *video_figures(obs_data_t *command, struct dstr *answer)
{
	UNUSED_PARAMETER(command);
	video_t *video = obs_get_video();
	dstr_catf(answer,
	        "\"rendered\":%u,\"lagged\":%u,\"skipped\":%u,\"averageMs\":%.3f,"
	        "\"heapBytes\":%zu",
	        obs_get_total_frames(), obs_get_lagged_frames(), video_output_get_skipped_frames(video),
	        (double)obs_get_average_frame_time_ns() / 1e6, (size_t)mallinfo2().uordblks);
	return NULL;
}

static const struct {
	const char *name;
	const char *(*run)(obs_data_t *command, struct dstr *answer);
} COMMANDS[] = {
        {"start", start},
        {"module", module},
        {"modules-done", modules_done},
        {"create", create},
        {"update", update},
        {"remove", remove_source},
        {"rename", rename_source},
        {"add-filter", add_filter},
        {"remove-filter", remove_filter},
        {"enable-filter", enable_filter},
        {"settings", settings},
        {"properties", properties},
        {"deinterlace", deinterlace},
        {"create-scene", create_scene},
        {"add-item", add_item},
        {"show-item", show_item},
        {"remove-item", remove_item},
        {"program", program},
        {"capture", capture},
        {"captured", captured},
        {"probe", probe},
        {"cost", take_cost},
        {"hotkey", hotkey},
        {"video", video_figures},
};

static bool release_made(void *param, obs_source_t *source)
{
	UNUSED_PARAMETER(param);
	obs_source_remove(source);
	obs_source_release(source); /* `create`'s */
	return true;
}

static bool release_scene(void *param, obs_source_t *source)
{
	return obs_scene_from_source(source) != NULL ? release_made(param, source) : true;
}

static void leave(void)
{
	mb_capture_end();
	obs_set_output_source(0, NULL);
	obs_source_release(transition);
	obs_enum_scenes(release_scene, NULL);
	obs_enum_sources(release_made, NULL);
	mb_cost_end();
	obs_shutdown();
	XCloseDisplay(display);
}

static void answer_line(const struct dstr *line)
{
	fwrite(line->array, 1, line->len, stdout);
	fputc('\n', stdout);
	fflush(stdout);
}

static void run_line(const char *line)
{
	uint64_t began = os_gettime_ns();
	struct dstr body = {0}, answer = {0};
	obs_data_t *command = obs_data_create_from_json(line);
	const char *name = command ? text(command, "do") : "";
	const char *error = "no such command";
	for (size_t n = 0; n < sizeof(COMMANDS) / sizeof(*COMMANDS); n++)
		if (strcmp(COMMANDS[n].name, name) == 0)
			error = COMMANDS[n].run(command, &body);
	if (error != NULL) {
		dstr_cat(&answer, "{\"ok\":false,\"error\":");
		mb_json_string(&answer, error);
	} else {
		dstr_catf(&answer, "{\"ok\":true,\"ms\":%.3f%s%s", (double)(os_gettime_ns() - began) / 1e6,
		        dstr_is_empty(&body) ? "" : ",", dstr_is_empty(&body) ? "" : body.array);
	}
	dstr_cat(&answer, "}");
	answer_line(&answer);
	dstr_free(&body);
	dstr_free(&answer);
	obs_data_release(command);
}

static void log_line(int level, const char *format, va_list arguments, void *param)
{
	UNUSED_PARAMETER(param);
	if (level > LOG_INFO)
		return;
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

/* A crash says where. */
static void on_crash(int number)
{
	void *frames[64];
	backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
	signal(number, SIG_DFL);
	raise(number);
}

int main(void)
{
	signal(SIGSEGV, on_crash);
	signal(SIGABRT, on_crash);
	base_set_log_handler(log_line, NULL);
	char *line = NULL;
	size_t capacity = 0;
	/* Until `quit`, or the driver is gone. */
	while (getline(&line, &capacity, stdin) > 0) {
		if (strstr(line, "\"do\":\"quit\"") != NULL)
			break;
		run_line(line);
	}
	free(line);
	if (display != NULL)
		leave();
	printf("{\"ok\":true,\"ms\":0,\"leaks\":%ld}\n", bnum_allocs());
	return 0;
}
