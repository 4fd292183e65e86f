/* The test picture, and sources that show it. */
#include <pthread.h>

#include <util/platform.h>
#include <util/threading.h>

#include "host.h"

struct colour {
	uint8_t b, g, r;
};

static const struct colour ROOM_LIGHT = {32, 200, 16};
static const struct colour ROOM_DARK = {32, 120, 16};
static const struct colour PERSON = {160, 88, 208};
static const struct colour WHITE = {255, 255, 255};
static const struct colour BLACK = {0, 0, 0};

static uint32_t cell_edge(uint32_t side, uint32_t cells, uint32_t cell)
{
	return side * cell / cells;
}

static uint32_t cell_of(uint32_t side, uint32_t cells, uint32_t at)
{
	uint32_t cell = at * cells / side;
	while (cell + 1 < cells && cell_edge(side, cells, cell + 1) <= at)
		cell++;
	return cell;
}

/* Columns of row 9: white, black, the bits from the lowest on, even parity, its
 * opposite. */
static struct colour number_cell(uint32_t column, uint32_t number)
{
	uint32_t bits = number & ((1u << MB_NUMBER_BITS) - 1);
	bool parity = __builtin_parity(bits) != 0;
	bool white = column == 0 || (column >= 2 && column < 2 + MB_NUMBER_BITS && (bits >> (column - 2) & 1) != 0) ||
	             (column == 2 + MB_NUMBER_BITS && parity) || (column == 3 + MB_NUMBER_BITS && !parity);
	return white ? WHITE : BLACK;
}

/* Left edge of the person: there and back between columns 2 and 8 in 60 frames;
 * it is 4 columns wide. */
static uint32_t person_left(uint32_t width, uint32_t number, bool walks)
{
	uint32_t phase = walks ? number % 60 : 15;
	uint32_t step = phase < 30 ? phase : 60 - phase;
	return width * (2 * 30 + 6 * step) / (MB_CELL_COLUMNS * 30);
}

void mb_paint(uint8_t *pixels, uint32_t width, uint32_t height, uint32_t number, bool walks, uint8_t alpha)
{
	uint32_t left = person_left(width, number, walks);
	uint32_t right = left + width * 4 / MB_CELL_COLUMNS;
	/* Finer than anything that a blur of 1/16 of the short side may leave. */
	uint32_t check = height / 45 > 0 ? height / 45 : 1;
	size_t stride = (size_t)width * 4;

	for (uint32_t y = 0; y < height; y++) {
		uint8_t *row = pixels + y * stride;
		uint32_t cell_row = cell_of(height, MB_CELL_ROWS, y);
		/* Rows repeat within a cell (the room within a check): most are copies of
		 * the one above. */
		bool same = y > 0 && cell_of(height, MB_CELL_ROWS, y - 1) == cell_row &&
		            (cell_row > 6 || y / check == (y - 1) / check);
		if (same) {
			memcpy(row, row - stride, stride);
			continue;
		}
		for (uint32_t x = 0; x < width; x++) {
			struct colour colour;
			if (cell_row <= 6) {
				bool person = cell_row >= 2 && x >= left && x < right;
				bool light = ((x / check) ^ (y / check)) & 1;
				colour = person ? PERSON : light ? ROOM_LIGHT : ROOM_DARK;
			} else if (cell_row == 7) {
				uint8_t gray = (uint8_t)(cell_of(width, MB_CELL_COLUMNS, x) * 13);
				colour = (struct colour){gray, gray, gray};
			} else if (cell_row == 8) {
				colour = PERSON;
			} else {
				colour = number_cell(cell_of(width, MB_CELL_COLUMNS, x), number);
			}
			row[x * 4] = colour.b;
			row[x * 4 + 1] = colour.g;
			row[x * 4 + 2] = colour.r;
			row[x * 4 + 3] = alpha;
		}
	}
}

/* --- picture: a sync source
 * -------------------------------------------------------------------------------------
 */

struct picture {
	uint32_t width, height;
	uint32_t every; /* ticks from frame to frame; 0: a still picture */
	bool walks;
	uint8_t alpha;
	float gain; /* picture-hdr: linear light is multiplied by it */
	enum gs_color_space space;
	uint32_t ticks, number;
	bool stale;
	uint8_t *pixels;
	gs_texture_t *texture;
};

static const char *picture_name(void *type)
{
	UNUSED_PARAMETER(type);
	return "Test picture";
}

static enum gs_color_space space_of(const char *word)
{
	if (strcmp(word, "srgb-16f") == 0)
		return GS_CS_SRGB_16F;
	if (strcmp(word, "709-extended") == 0)
		return GS_CS_709_EXTENDED;
	return GS_CS_SRGB;
}

static void picture_update(void *data, obs_data_t *settings)
{
	struct picture *picture = data;
	uint32_t width = (uint32_t)obs_data_get_int(settings, "width");
	uint32_t height = (uint32_t)obs_data_get_int(settings, "height");
	picture->every = (uint32_t)obs_data_get_int(settings, "every");
	picture->walks = obs_data_get_bool(settings, "walks");
	picture->alpha = (uint8_t)obs_data_get_int(settings, "alpha");
	picture->gain = (float)obs_data_get_double(settings, "gain");
	picture->space = space_of(obs_data_get_string(settings, "space"));
	picture->stale = true;
	if (width == picture->width && height == picture->height)
		return;
	picture->width = width;
	picture->height = height;
	obs_enter_graphics();
	gs_texture_destroy(picture->texture);
	picture->texture = width && height ? gs_texture_create(width, height, GS_BGRA, 1, NULL, GS_DYNAMIC) : NULL;
	obs_leave_graphics();
	bfree(picture->pixels);
	picture->pixels = width && height ? bmalloc((size_t)width * height * 4) : NULL;
}

static void picture_defaults(obs_data_t *settings)
{
	obs_data_set_default_int(settings, "width", 320);
	obs_data_set_default_int(settings, "height", 180);
	obs_data_set_default_int(settings, "every", 1);
	obs_data_set_default_bool(settings, "walks", true);
	obs_data_set_default_int(settings, "alpha", 255);
	obs_data_set_default_double(settings, "gain", 1.0);
	obs_data_set_default_string(settings, "space", "srgb");
}

static void *picture_create(obs_data_t *settings, obs_source_t *source)
{
	UNUSED_PARAMETER(source);
	struct picture *picture = bzalloc(sizeof(*picture));
	picture_update(picture, settings);
	return picture;
}

static void picture_destroy(void *data)
{
	struct picture *picture = data;
	obs_enter_graphics();
	gs_texture_destroy(picture->texture);
	obs_leave_graphics();
	bfree(picture->pixels);
	bfree(picture);
}

static void picture_tick(void *data, float seconds)
{
	UNUSED_PARAMETER(seconds);
	struct picture *picture = data;
	if (picture->every != 0 && ++picture->ticks % picture->every == 0) {
		picture->number++;
		picture->stale = true;
	}
}

static bool picture_upload(struct picture *picture)
{
	if (picture->texture == NULL)
		return false;
	if (picture->stale) {
		mb_paint(picture->pixels, picture->width, picture->height, picture->number, picture->walks,
		        picture->alpha);
		gs_texture_set_image(picture->texture, picture->pixels, picture->width * 4, false);
		picture->stale = false;
	}
	return true;
}

static void picture_render(void *data, gs_effect_t *effect)
{
	UNUSED_PARAMETER(effect);
	struct picture *picture = data;
	if (picture_upload(picture))
		obs_source_draw(picture->texture, 0, 0, 0, 0, false);
}

static void picture_hdr_render(void *data, gs_effect_t *effect)
{
	struct picture *picture = data;
	if (!picture_upload(picture))
		return;
	effect = obs_get_base_effect(OBS_EFFECT_DEFAULT);
	bool linear = gs_get_linear_srgb();
	bool before = gs_framebuffer_srgb_enabled();
	gs_enable_framebuffer_srgb(linear);
	gs_eparam_t *image = gs_effect_get_param_by_name(effect, "image");
	if (linear)
		gs_effect_set_texture_srgb(image, picture->texture);
	else
		gs_effect_set_texture(image, picture->texture);
	gs_effect_set_float(gs_effect_get_param_by_name(effect, "multiplier"), picture->gain);
	while (gs_effect_loop(effect, picture->gain == 1.0f ? "Draw" : "DrawMultiply"))
		gs_draw_sprite(picture->texture, 0, 0, 0);
	gs_enable_framebuffer_srgb(before);
}

static enum gs_color_space picture_space(void *data, size_t count, const enum gs_color_space *preferred)
{
	UNUSED_PARAMETER(count);
	UNUSED_PARAMETER(preferred);
	return ((struct picture *)data)->space;
}

static uint32_t picture_width(void *data)
{
	return ((struct picture *)data)->width;
}

static uint32_t picture_height(void *data)
{
	return ((struct picture *)data)->height;
}

/* --- camera: an async source with a thread of its own
 * ------------------------------------------------------------ */

struct camera {
	obs_source_t *source;
	uint32_t width, height, fps;
	bool i420;
	pthread_t thread;
	os_event_t *stop;
	bool running;
	volatile bool paused;
};

/* Limited-range BT.709. */
static void to_i420(const uint8_t *bgra, uint8_t *y, uint8_t *u, uint8_t *v, uint32_t width, uint32_t height)
{
	for (uint32_t row = 0; row < height; row++) {
		for (uint32_t x = 0; x < width; x++) {
			const uint8_t *p = bgra + ((size_t)row * width + x) * 4;
			float b = p[0], g = p[1], r = p[2];
			float luma = 0.2126f * r + 0.7152f * g + 0.0722f * b;
			y[(size_t)row * width + x] = (uint8_t)(16.5f + luma * 219.0f / 255.0f);
			if ((row & 1) == 0 && (x & 1) == 0) {
				size_t at = (size_t)(row / 2) * (width / 2) + x / 2;
				u[at] = (uint8_t)(128.5f + (b - luma) / 1.8556f * 224.0f / 255.0f);
				v[at] = (uint8_t)(128.5f + (r - luma) / 1.5748f * 224.0f / 255.0f);
			}
		}
	}
}

static void *camera_run(void *data)
{
	struct camera *camera = data;
	size_t pixels = (size_t)camera->width * camera->height;
	uint8_t *bgra = bmalloc(pixels * 4);
	uint8_t *planes = camera->i420 ? bmalloc(pixels * 3 / 2) : NULL;
	uint64_t interval = 1000000000ull / camera->fps;
	uint64_t next = os_gettime_ns();
	uint32_t number = 0;

	os_set_thread_name("camera");
	while (os_event_try(camera->stop) == EAGAIN) {
		if (!os_atomic_load_bool(&camera->paused)) {
			mb_paint(bgra, camera->width, camera->height, ++number, true, 255);
			struct obs_source_frame frame = {
			        .width = camera->width, .height = camera->height, .timestamp = next};
			if (camera->i420) {
				frame.format = VIDEO_FORMAT_I420;
				frame.data[0] = planes;
				frame.data[1] = planes + pixels;
				frame.data[2] = planes + pixels * 5 / 4;
				frame.linesize[0] = camera->width;
				frame.linesize[1] = frame.linesize[2] = camera->width / 2;
				to_i420(bgra, frame.data[0], frame.data[1], frame.data[2], camera->width,
				        camera->height);
				video_format_get_parameters(VIDEO_CS_709, VIDEO_RANGE_PARTIAL, frame.color_matrix,
				        frame.color_range_min, frame.color_range_max);
			} else {
				frame.format = VIDEO_FORMAT_BGRA;
				frame.full_range = true;
				frame.data[0] = bgra;
				frame.linesize[0] = camera->width * 4;
			}
			obs_source_output_video(camera->source, &frame);
		}
		next += interval;
		os_sleepto_ns(next);
	}
	bfree(planes);
	bfree(bgra);
	return NULL;
}

static void camera_stop(struct camera *camera)
{
	if (!camera->running)
		return;
	os_event_signal(camera->stop);
	pthread_join(camera->thread, NULL);
	os_event_destroy(camera->stop);
	camera->running = false;
}

static void camera_update(void *data, obs_data_t *settings)
{
	struct camera *camera = data;
	uint32_t width = (uint32_t)obs_data_get_int(settings, "width");
	uint32_t height = (uint32_t)obs_data_get_int(settings, "height");
	uint32_t fps = (uint32_t)obs_data_get_int(settings, "fps");
	bool i420 = strcmp(obs_data_get_string(settings, "format"), "i420") == 0;
	os_atomic_set_bool(&camera->paused, obs_data_get_bool(settings, "paused"));
	if (camera->running && width == camera->width && height == camera->height && fps == camera->fps &&
	        i420 == camera->i420)
		return;
	camera_stop(camera);
	camera->width = width;
	camera->height = height;
	camera->fps = fps;
	camera->i420 = i420;
	if (os_event_init(&camera->stop, OS_EVENT_TYPE_MANUAL) != 0)
		return;
	camera->running = pthread_create(&camera->thread, NULL, camera_run, camera) == 0;
}

static void camera_defaults(obs_data_t *settings)
{
	obs_data_set_default_int(settings, "width", 320);
	obs_data_set_default_int(settings, "height", 180);
	obs_data_set_default_int(settings, "fps", 30);
	obs_data_set_default_string(settings, "format", "bgra");
}

static void *camera_create(obs_data_t *settings, obs_source_t *source)
{
	struct camera *camera = bzalloc(sizeof(*camera));
	camera->source = source;
	/* As a live device: the newest frame at once, no buffer of timestamps. */
	obs_source_set_async_unbuffered(source, true);
	camera_update(camera, settings);
	return camera;
}

static void camera_destroy(void *data)
{
	camera_stop(data);
	bfree(data);
}

void mb_register_sources(void)
{
	struct obs_source_info picture = {
	        .id = "picture",
	        .type = OBS_SOURCE_TYPE_INPUT,
	        .output_flags = OBS_SOURCE_VIDEO | OBS_SOURCE_SRGB,
	        .get_name = picture_name,
	        .create = picture_create,
	        .destroy = picture_destroy,
	        .update = picture_update,
	        .get_defaults = picture_defaults,
	        .video_tick = picture_tick,
	        .video_render = picture_render,
	        .get_width = picture_width,
	        .get_height = picture_height,
	};
	obs_register_source(&picture);

	picture.id = "picture-hdr";
	picture.output_flags |= OBS_SOURCE_CUSTOM_DRAW;
	picture.video_render = picture_hdr_render;
	picture.video_get_color_space = picture_space;
	obs_register_source(&picture);

	struct obs_source_info camera = {
	        .id = "camera",
	        .type = OBS_SOURCE_TYPE_INPUT,
	        .output_flags = OBS_SOURCE_ASYNC_VIDEO,
	        .get_name = picture_name,
	        .create = camera_create,
	        .destroy = camera_destroy,
	        .update = camera_update,
	        .get_defaults = camera_defaults,
	};
	obs_register_source(&camera);
}
