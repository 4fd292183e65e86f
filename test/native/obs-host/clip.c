/* clip: an async source that plays raw BGRA frames of a file, round and round, as a camera would film them. */
#include <stdio.h>

#include <util/platform.h>

#include "host.h"

struct clip {
	obs_source_t *source;
	uint32_t width, height;
	uint32_t every; /* ticks from frame to frame; 0: no new frames */
	uint32_t ticks;
	char *path;
	uint8_t *pixels; /* of all frames */
	size_t count;    /* frames */
	size_t next;
};

static const char *clip_name(void *type)
{
	UNUSED_PARAMETER(type);
	return "Raw clip";
}

static size_t frame_bytes(const struct clip *clip)
{
	return (size_t)clip->width * clip->height * 4;
}

/* Reads the whole file, so that no tick waits for a disk. */
static void clip_load(struct clip *clip)
{
	bfree(clip->pixels);
	clip->pixels = NULL;
	clip->count = clip->next = 0;
	FILE *file = os_fopen(clip->path, "rb");
	if (file == NULL)
		return;
	clip->count = frame_bytes(clip) > 0 ? (size_t)os_fgetsize(file) / frame_bytes(clip) : 0;
	if (clip->count > 0) {
		clip->pixels = bmalloc(clip->count * frame_bytes(clip));
		clip->count = fread(clip->pixels, frame_bytes(clip), clip->count, file);
	}
	fclose(file);
}

static void clip_update(void *data, obs_data_t *settings)
{
	struct clip *clip = data;
	uint32_t width = (uint32_t)obs_data_get_int(settings, "width");
	uint32_t height = (uint32_t)obs_data_get_int(settings, "height");
	const char *path = obs_data_get_string(settings, "path");
	bool other =
	        clip->path == NULL || strcmp(path, clip->path) != 0 || width != clip->width || height != clip->height;
	obs_enter_graphics(); /* no tick meanwhile */
	clip->every = (uint32_t)obs_data_get_int(settings, "every");
	if (other) {
		clip->width = width;
		clip->height = height;
		bfree(clip->path);
		clip->path = bstrdup(path);
		clip_load(clip);
	}
	obs_leave_graphics();
}

static void clip_defaults(obs_data_t *settings)
{
	obs_data_set_default_int(settings, "width", 640);
	obs_data_set_default_int(settings, "height", 360);
	obs_data_set_default_int(settings, "every", 2);
}

static void *clip_create(obs_data_t *settings, obs_source_t *source)
{
	struct clip *clip = bzalloc(sizeof(*clip));
	clip->source = source;
	/* As a live device: the newest frame at once, no buffer of timestamps. */
	obs_source_set_async_unbuffered(source, true);
	clip_update(clip, settings);
	return clip;
}

static void clip_destroy(void *data)
{
	struct clip *clip = data;
	bfree(clip->path);
	bfree(clip->pixels);
	bfree(clip);
}

/* The frame is seen in the next tick: libobs takes new frames before this is called. */
static void clip_tick(void *data, float seconds)
{
	UNUSED_PARAMETER(seconds);
	struct clip *clip = data;
	if (clip->count == 0 || clip->every == 0 || ++clip->ticks % clip->every != 0)
		return;
	struct obs_source_frame frame = {.width = clip->width,
	        .height = clip->height,
	        .format = VIDEO_FORMAT_BGRA,
	        .full_range = true,
	        .timestamp = os_gettime_ns(),
	        .data = {clip->pixels + clip->next * frame_bytes(clip)},
	        .linesize = {clip->width * 4}};
	obs_source_output_video(clip->source, &frame);
	clip->next = (clip->next + 1) % clip->count;
}

void mb_register_clip(void)
{
	struct obs_source_info clip = {
	        .id = "clip",
	        .type = OBS_SOURCE_TYPE_INPUT,
	        .output_flags = OBS_SOURCE_ASYNC_VIDEO,
	        .get_name = clip_name,
	        .create = clip_create,
	        .destroy = clip_destroy,
	        .update = clip_update,
	        .get_defaults = clip_defaults,
	        .video_tick = clip_tick,
	};
	obs_register_source(&clip);
}
