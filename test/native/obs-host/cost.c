/* What the filter's callbacks cost OBS's graphics thread: its CPU time, and how
 * often they made it wait.
 *
 * This executable exports functions of libobs that the plugin calls (it is not
 * linked to libobs, so its symbols bind to the first that the process has):
 * obs_register_source_s and obs_add_tick_callback, so that the filter's
 * callbacks can be wrapped; and what draws, so that the driver's work is left
 * out. Left out is exactly what stands under DRAWING below; a mutex, a system
 * call, an allocation or a copy of the filter's own is counted. */
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/resource.h>
#include <time.h>

#include <util/platform.h>
#include <util/threading.h>

#include "host.h"

#define FILTER_ID "mattebox_filter"
#define MAX_SAMPLES (1u << 20)
#define MAX_TICKS 4

struct reading {
	int64_t cpu_ns;
	long waits; /* voluntary context switches */
};

enum other { CREATE, DESTROY, UPDATE, PROPERTIES, RENAME, OTHERS };
static const char *const other_names[OTHERS] = {"create", "destroy", "update", "properties", "rename"};
#define MAX_RENAMES 256

static struct {
	struct obs_source_info real;
	pthread_mutex_t mutex;
	uint32_t *frames_ns; /* CPU time per output frame */
	size_t frame_count;
	long waits;
	long watch_waits;
	uint64_t calls;
	struct {
		void (*tick)(void *, float);
		void *param;
	} ticks[MAX_TICKS];
	struct {
		unsigned calls;
		long waits;
		uint64_t worst_ns; /* by the clock on the wall, drawing and all */
	} others[OTHERS];
	struct {
		signal_handler_t *handler; /* all NULL: free */
		signal_callback_t callback;
		void *data;
	} renames[MAX_RENAMES];
} cost = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Of the graphics thread: what was left out in the callback that runs; its
 * depth in what is left out. */
static _Thread_local struct reading left_out;
static _Thread_local struct reading left_out_began;
static _Thread_local int drawing;
static _Thread_local bool inside;
static _Thread_local int64_t frame_ns;

static struct reading read_now(void)
{
	struct timespec now;
	struct rusage usage;
	getrusage(RUSAGE_THREAD, &usage);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (struct reading){now.tv_sec * 1000000000ll + now.tv_nsec, usage.ru_nvcsw};
}

static void drawing_begins(void)
{
	if (inside && drawing++ == 0)
		left_out_began = read_now();
}

static void drawing_ends(void)
{
	if (inside && --drawing == 0) {
		struct reading now = read_now();
		left_out.cpu_ns += now.cpu_ns - left_out_began.cpu_ns;
		left_out.waits += now.waits - left_out_began.waits;
	}
}

/* A filter's render draws the filter before it: callbacks nest, and what is
 * inside is left out outside. */
struct outer {
	struct reading began, left_out, left_out_began;
	int drawing;
	bool inside;
};

static void callback_begins(struct outer *outer)
{
	*outer = (struct outer){
	        .left_out = left_out, .left_out_began = left_out_began, .drawing = drawing, .inside = inside};
	left_out = (struct reading){0, 0};
	drawing = 0;
	inside = true;
	outer->began = read_now();
}

static void callback_ends(struct outer *outer, long *waits_of)
{
	struct reading now = read_now();
	int64_t cpu_ns = now.cpu_ns - outer->began.cpu_ns - left_out.cpu_ns;
	long waits = now.waits - outer->began.waits - left_out.waits;
	left_out = outer->left_out;
	left_out_began = outer->left_out_began;
	drawing = outer->drawing;
	inside = outer->inside;
	frame_ns += cpu_ns > 0 ? cpu_ns : 0;
	pthread_mutex_lock(&cost.mutex);
	*waits_of += waits;
	cost.calls++;
	pthread_mutex_unlock(&cost.mutex);
}

static void wrapped_tick(void *data, float seconds)
{
	struct outer outer;
	callback_begins(&outer);
	cost.real.video_tick(data, seconds);
	callback_ends(&outer, &cost.waits);
}

static void wrapped_render(void *data, gs_effect_t *effect)
{
	struct outer outer;
	callback_begins(&outer);
	cost.real.video_render(data, effect);
	callback_ends(&outer, &cost.waits);
}

static struct obs_source_frame *wrapped_filter_video(void *data, struct obs_source_frame *frame)
{
	struct outer outer;
	callback_begins(&outer);
	struct obs_source_frame *out = cost.real.filter_video(data, frame);
	callback_ends(&outer, &cost.waits);
	return out;
}

/* --- what OBS calls beside ticks and frames ----------------------------------------------------------------------- */

struct other_call {
	struct outer outer;
	uint64_t began_ns;
};

static void other_begins(struct other_call *call)
{
	call->began_ns = os_gettime_ns();
	callback_begins(&call->outer);
}

static void other_ends(struct other_call *call, enum other which)
{
	callback_ends(&call->outer, &cost.others[which].waits);
	uint64_t took_ns = os_gettime_ns() - call->began_ns;
	pthread_mutex_lock(&cost.mutex);
	cost.others[which].calls++;
	if (took_ns > cost.others[which].worst_ns)
		cost.others[which].worst_ns = took_ns;
	pthread_mutex_unlock(&cost.mutex);
}

static void *wrapped_create(obs_data_t *settings, obs_source_t *source)
{
	struct other_call call;
	other_begins(&call);
	void *out = cost.real.create(settings, source);
	other_ends(&call, CREATE);
	return out;
}

static void wrapped_destroy(void *data)
{
	struct other_call call;
	other_begins(&call);
	cost.real.destroy(data);
	other_ends(&call, DESTROY);
}

static void wrapped_update(void *data, obs_data_t *settings)
{
	struct other_call call;
	other_begins(&call);
	cost.real.update(data, settings);
	other_ends(&call, UPDATE);
}

static obs_properties_t *wrapped_properties(void *data)
{
	struct other_call call;
	other_begins(&call);
	obs_properties_t *out = cost.real.get_properties(data);
	other_ends(&call, PROPERTIES);
	return out;
}

static void wrapped_rename(void *index, calldata_t *data)
{
	struct other_call call;
	size_t n = (size_t)index;
	other_begins(&call);
	cost.renames[n].callback(cost.renames[n].data, data);
	other_ends(&call, RENAME);
}

/* Whoever connects to `rename` is counted; places of a source that went with its handler stay taken. */
static size_t rename_place(signal_handler_t *handler, signal_callback_t callback, void *data)
{
	size_t n = 0;
	while (n < MAX_RENAMES && (cost.renames[n].handler != handler || cost.renames[n].callback != callback ||
	                                  cost.renames[n].data != data))
		n++;
	return n;
}

typedef void (*connection_t)(signal_handler_t *, const char *, signal_callback_t, void *);

EXPORT void signal_handler_connect(
        signal_handler_t *handler, const char *signal, signal_callback_t callback, void *data)
{
	static connection_t real; /* looked up once: dlsym has a lock */
	if (real == NULL)
		real = (connection_t)dlsym(RTLD_NEXT, "signal_handler_connect");
	size_t n = MAX_RENAMES;
	if (strcmp(signal, "rename") == 0) {
		pthread_mutex_lock(&cost.mutex);
		n = rename_place(NULL, NULL, NULL);
		if (n < MAX_RENAMES) {
			cost.renames[n].handler = handler;
			cost.renames[n].callback = callback;
			cost.renames[n].data = data;
		}
		pthread_mutex_unlock(&cost.mutex);
	}
	if (n < MAX_RENAMES)
		real(handler, signal, wrapped_rename, (void *)n);
	else
		real(handler, signal, callback, data);
}

EXPORT void signal_handler_disconnect(
        signal_handler_t *handler, const char *signal, signal_callback_t callback, void *data)
{
	static connection_t real; /* looked up once: dlsym has a lock */
	if (real == NULL)
		real = (connection_t)dlsym(RTLD_NEXT, "signal_handler_disconnect");
	pthread_mutex_lock(&cost.mutex);
	size_t n = strcmp(signal, "rename") == 0 ? rename_place(handler, callback, data) : MAX_RENAMES;
	pthread_mutex_unlock(&cost.mutex);
	if (n == MAX_RENAMES) {
		real(handler, signal, callback, data);
		return;
	}
	real(handler, signal, wrapped_rename, (void *)n);
	pthread_mutex_lock(&cost.mutex);
	memset(&cost.renames[n], 0, sizeof(cost.renames[n]));
	pthread_mutex_unlock(&cost.mutex);
}

EXPORT void obs_register_source_s(const struct obs_source_info *info, size_t size)
{
	void (*real)(const struct obs_source_info *, size_t) =
	        (void (*)(const struct obs_source_info *, size_t))dlsym(RTLD_NEXT, "obs_register_source_s");
	if (strcmp(info->id, FILTER_ID) != 0 || size > sizeof(*info)) {
		real(info, size);
		return;
	}
	struct obs_source_info wrapped = {0};
	memcpy(&cost.real, info, size);
	memcpy(&wrapped, info, size);
	if (wrapped.video_tick != NULL)
		wrapped.video_tick = wrapped_tick;
	if (wrapped.video_render != NULL)
		wrapped.video_render = wrapped_render;
	if (wrapped.filter_video != NULL)
		wrapped.filter_video = wrapped_filter_video;
	wrapped.create = wrapped_create;
	wrapped.destroy = wrapped_destroy;
	wrapped.update = wrapped_update;
	wrapped.get_properties = wrapped_properties;
	real(&wrapped, size);
}

static void wrapped_plugin_tick(void *index, float seconds)
{
	size_t n = (size_t)index;
	struct outer outer;
	callback_begins(&outer);
	cost.ticks[n].tick(cost.ticks[n].param, seconds);
	callback_ends(&outer, &cost.watch_waits);
}

EXPORT void obs_add_tick_callback(void (*tick)(void *, float), void *param)
{
	void (*real)(void (*)(void *, float), void *) =
	        (void (*)(void (*)(void *, float), void *))dlsym(RTLD_NEXT, "obs_add_tick_callback");
	for (size_t n = 0; n < MAX_TICKS; n++) {
		if (cost.ticks[n].tick == NULL) {
			cost.ticks[n].param = param;
			cost.ticks[n].tick = tick;
			real(wrapped_plugin_tick, (void *)n);
			return;
		}
	}
	real(tick, param);
}

EXPORT void obs_remove_tick_callback(void (*tick)(void *, float), void *param)
{
	void (*real)(void (*)(void *, float), void *) =
	        (void (*)(void (*)(void *, float), void *))dlsym(RTLD_NEXT, "obs_remove_tick_callback");
	for (size_t n = 0; n < MAX_TICKS; n++) {
		if (cost.ticks[n].tick == tick && cost.ticks[n].param == param) {
			real(wrapped_plugin_tick, (void *)n);
			cost.ticks[n].tick = NULL;
			return;
		}
	}
	real(tick, param);
}

static void frame_begins(void *param, float seconds)
{
	UNUSED_PARAMETER(param);
	UNUSED_PARAMETER(seconds);
	pthread_mutex_lock(&cost.mutex);
	if (cost.frames_ns == NULL)
		cost.frames_ns = malloc(MAX_SAMPLES * sizeof(*cost.frames_ns));
	if (cost.frames_ns != NULL && cost.frame_count < MAX_SAMPLES && frame_ns > 0)
		cost.frames_ns[cost.frame_count++] = frame_ns < UINT32_MAX ? (uint32_t)frame_ns : UINT32_MAX;
	pthread_mutex_unlock(&cost.mutex);
	frame_ns = 0;
}

void mb_cost_start(void)
{
	void (*real)(void (*)(void *, float), void *) =
	        (void (*)(void (*)(void *, float), void *))dlsym(RTLD_NEXT, "obs_add_tick_callback");
	real(frame_begins, NULL);
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static double quantile_ms(double q)
{
	if (cost.frame_count == 0)
		return 0;
	size_t n = (size_t)(q * (double)cost.frame_count);
	return cost.frames_ns[n < cost.frame_count ? n : cost.frame_count - 1] / 1e6;
}

void mb_cost_take(struct dstr *answer)
{
	pthread_mutex_lock(&cost.mutex);
	if (cost.frame_count > 0)
		qsort(cost.frames_ns, cost.frame_count, sizeof(*cost.frames_ns), ascending);
	dstr_catf(answer,
	        "\"frames\":%zu,\"calls\":%llu,\"waits\":%ld,\"watchWaits\":%ld,\"medianMs\":%.4f,"
	        "\"p99Ms\":%.4f,\"p999Ms\":%.4f,"
	        "\"worstMs\":%.4f",
	        cost.frame_count, (unsigned long long)cost.calls, cost.waits, cost.watch_waits, quantile_ms(0.5),
	        quantile_ms(0.99), quantile_ms(0.999), quantile_ms(1));
	for (int n = 0; n < OTHERS; n++)
		dstr_catf(answer, "%s\"%s\":{\"calls\":%u,\"waits\":%ld,\"worstMs\":%.3f}",
		        n > 0 ? "," : ",\"others\":{", other_names[n], cost.others[n].calls, cost.others[n].waits,
		        (double)cost.others[n].worst_ns / 1e6);
	dstr_cat(answer, "}");
	memset(cost.others, 0, sizeof(cost.others));
	cost.frame_count = 0;
	cost.waits = cost.watch_waits = 0;
	cost.calls = 0;
	pthread_mutex_unlock(&cost.mutex);
}

void mb_cost_end(void)
{
	void (*real)(void (*)(void *, float), void *) =
	        (void (*)(void (*)(void *, float), void *))dlsym(RTLD_NEXT, "obs_remove_tick_callback");
	real(frame_begins, NULL);
	free(cost.frames_ns);
	cost.frames_ns = NULL;
}

/* --- who waits ---------------------------------------------------------------------------------------------------- */

/* A mutex that is taken makes the thread wait: the log says where, for whoever mends it. */
EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	static int (*real_lock)(pthread_mutex_t *);
	/* Libraries lock before main, and before any constructor of ours. */
	if (real_lock == NULL)
		real_lock = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
	if (!inside || drawing > 0)
		return real_lock(mutex);
	if (pthread_mutex_trylock(mutex) == 0)
		return 0;
	void *frames[16];
	fputs("a callback of the filter waits for a mutex:\n", stderr);
	backtrace_symbols_fd(frames, backtrace(frames, 16), STDERR_FILENO);
	return real_lock(mutex);
}

/* DRAWING: a function of libobs that reaches the driver, or draws another
 * source. */
#define DRAWING(type, name, parameters, arguments)                                                                     \
	EXPORT type name parameters                                                                                    \
	{                                                                                                              \
		static type(*real) parameters;                                                                         \
		if (real == NULL)                                                                                      \
			real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                                            \
		drawing_begins();                                                                                      \
		type out = real arguments;                                                                             \
		drawing_ends();                                                                                        \
		return out;                                                                                            \
	}
#define DRAWING_VOID(name, parameters, arguments)                                                                      \
	EXPORT void name parameters                                                                                    \
	{                                                                                                              \
		static void(*real) parameters;                                                                         \
		if (real == NULL)                                                                                      \
			real = (void(*) parameters)dlsym(RTLD_NEXT, #name);                                            \
		drawing_begins();                                                                                      \
		real arguments;                                                                                        \
		drawing_ends();                                                                                        \
	}

DRAWING(gs_texrender_t *, gs_texrender_create, (enum gs_color_format format, enum gs_zstencil_format depth),
        (format, depth))
DRAWING(bool, gs_texrender_begin, (gs_texrender_t * target, uint32_t cx, uint32_t cy), (target, cx, cy))
DRAWING(bool, gs_texrender_begin_with_color_space,
        (gs_texrender_t * target, uint32_t cx, uint32_t cy, enum gs_color_space space), (target, cx, cy, space))
DRAWING(gs_texture_t *, gs_texture_create,
        (uint32_t width, uint32_t height, enum gs_color_format format, uint32_t levels, const uint8_t **data,
                uint32_t flags),
        (width, height, format, levels, data, flags))
DRAWING(bool, gs_texture_map, (gs_texture_t * texture, uint8_t **data, uint32_t *stride), (texture, data, stride))
DRAWING(gs_stagesurf_t *, gs_stagesurface_create, (uint32_t width, uint32_t height, enum gs_color_format format),
        (width, height, format))
DRAWING(bool, gs_stagesurface_map, (gs_stagesurf_t * surface, uint8_t **data, uint32_t *stride),
        (surface, data, stride))
DRAWING(bool, gs_effect_loop, (gs_effect_t * effect, const char *name), (effect, name))
DRAWING(size_t, gs_technique_begin, (gs_technique_t * technique), (technique))
DRAWING(bool, gs_technique_begin_pass, (gs_technique_t * technique, size_t pass), (technique, pass))
DRAWING_VOID(gs_technique_end_pass, (gs_technique_t * technique), (technique))
DRAWING_VOID(gs_technique_end, (gs_technique_t * technique), (technique))
DRAWING_VOID(gs_texrender_destroy, (gs_texrender_t * target), (target))
DRAWING_VOID(gs_texrender_end, (gs_texrender_t * target), (target))
DRAWING_VOID(gs_texture_destroy, (gs_texture_t * texture), (texture))
DRAWING_VOID(gs_texture_set_image, (gs_texture_t * texture, const uint8_t *data, uint32_t stride, bool invert),
        (texture, data, stride, invert))
DRAWING_VOID(gs_texture_unmap, (gs_texture_t * texture), (texture))
DRAWING_VOID(gs_stagesurface_destroy, (gs_stagesurf_t * surface), (surface))
DRAWING_VOID(gs_stagesurface_unmap, (gs_stagesurf_t * surface), (surface))
DRAWING_VOID(gs_stage_texture, (gs_stagesurf_t * to, gs_texture_t *from), (to, from))
DRAWING_VOID(gs_copy_texture, (gs_texture_t * to, gs_texture_t *from), (to, from))
DRAWING_VOID(gs_clear, (uint32_t flags, const struct vec4 *colour, float depth, uint8_t stencil),
        (flags, colour, depth, stencil))
DRAWING_VOID(gs_draw_sprite, (gs_texture_t * texture, uint32_t flip, uint32_t width, uint32_t height),
        (texture, flip, width, height))
DRAWING_VOID(gs_draw_sprite_subregion,
        (gs_texture_t * texture, uint32_t flip, uint32_t x, uint32_t y, uint32_t cx, uint32_t cy),
        (texture, flip, x, y, cx, cy))
DRAWING_VOID(gs_draw, (enum gs_draw_mode mode, uint32_t first, uint32_t count), (mode, first, count))
DRAWING_VOID(gs_flush, (void), ())
DRAWING_VOID(obs_source_video_render, (obs_source_t * source), (source))
DRAWING_VOID(obs_source_default_render, (obs_source_t * source), (source))

EXPORT void obs_enter_graphics(void)
{
	static void (*real)(void);
	if (real == NULL)
		real = (void (*)(void))dlsym(RTLD_NEXT, "obs_enter_graphics");
	drawing_begins();
	real();
}

EXPORT void obs_leave_graphics(void)
{
	static void (*real)(void);
	if (real == NULL)
		real = (void (*)(void))dlsym(RTLD_NEXT, "obs_leave_graphics");
	real();
	drawing_ends();
}
