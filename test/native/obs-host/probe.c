/* One source, drawn once into a colour space of choice, as floats: what OBS's
 * own screenshots and HDR canvases see. */
#include <util/threading.h>

#include "host.h"

struct probe {
	obs_source_t *source;
	enum gs_color_space space;
	bool linear;
	uint32_t width, height;
	float *pixels; /* RGBA, premultiplied; NULL: it failed */
	os_event_t *done;
};

static float from_half(uint16_t half)
{
	uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = half >> 10 & 31, mantissa = half & 1023;
	if (exponent == 0)
		return (sign ? -1.0f : 1.0f) * (float)mantissa * 0x1p-24f;
	uint32_t bits = sign | (exponent + 112) << 23 | mantissa << 13;
	float out;
	memcpy(&out, &bits, sizeof(out));
	return out;
}

/* On the graphics thread, where sources are drawn. */
static void draw(void *param, uint32_t cx, uint32_t cy)
{
	UNUSED_PARAMETER(cx);
	UNUSED_PARAMETER(cy);
	struct probe *probe = param;
	if (os_event_try(probe->done) != EAGAIN)
		return;
	enum gs_color_format format = gs_get_format_from_space(probe->space);
	probe->width = obs_source_get_width(probe->source);
	probe->height = obs_source_get_height(probe->source);
	gs_texrender_t *target = gs_texrender_create(format, GS_ZS_NONE);
	gs_stagesurf_t *stage = gs_stagesurface_create(probe->width, probe->height, format);
	gs_viewport_push();
	gs_projection_push();
	gs_matrix_push();
	gs_matrix_identity();
	if (stage != NULL && gs_texrender_begin_with_color_space(target, probe->width, probe->height, probe->space)) {
		struct vec4 nothing = {0};
		gs_clear(GS_CLEAR_COLOR, &nothing, 0.0f, 0);
		gs_ortho(0.0f, (float)probe->width, 0.0f, (float)probe->height, -100.0f, 100.0f);
		bool before = gs_set_linear_srgb(probe->linear);
		gs_blend_state_push();
		gs_blend_function_separate(GS_BLEND_SRCALPHA, GS_BLEND_INVSRCALPHA, GS_BLEND_ONE, GS_BLEND_INVSRCALPHA);
		obs_source_video_render(probe->source);
		gs_blend_state_pop();
		gs_set_linear_srgb(before);
		gs_texrender_end(target);

		uint8_t *data;
		uint32_t stride;
		gs_stage_texture(stage, gs_texrender_get_texture(target));
		if (gs_stagesurface_map(stage, &data, &stride)) {
			probe->pixels = bmalloc((size_t)probe->width * probe->height * 4 * sizeof(float));
			for (uint32_t y = 0; y < probe->height; y++) {
				for (uint32_t n = 0; n < probe->width * 4; n++) {
					const uint8_t *row = data + (size_t)y * stride;
					float value = format == GS_RGBA16F ? from_half(((const uint16_t *)row)[n])
					                                   : (float)row[n] / 255.0f;
					probe->pixels[(size_t)y * probe->width * 4 + n] = value;
				}
			}
			gs_stagesurface_unmap(stage);
		}
	}
	gs_matrix_pop();
	gs_projection_pop();
	gs_viewport_pop();
	gs_stagesurface_destroy(stage);
	gs_texrender_destroy(target);
	os_event_signal(probe->done);
}

void mb_probe(obs_data_t *command, struct dstr *answer)
{
	const char *space = obs_data_get_string(command, "space");
	struct probe probe = {
	        .source = obs_get_source_by_name(obs_data_get_string(command, "source")),
	        .linear = obs_data_get_bool(command, "linear"),
	        .space = strcmp(space, "srgb-16f") == 0       ? GS_CS_SRGB_16F
	                 : strcmp(space, "709-extended") == 0 ? GS_CS_709_EXTENDED
	                                                      : GS_CS_SRGB,
	};
	if (probe.source != NULL && os_event_init(&probe.done, OS_EVENT_TYPE_MANUAL) == 0) {
		obs_add_main_render_callback(draw, &probe);
		os_event_timedwait(probe.done, 5000);
		obs_remove_main_render_callback(draw, &probe);
		os_event_destroy(probe.done);
	}
	dstr_catf(answer, "\"width\":%u,\"height\":%u,\"points\":[", probe.width, probe.height);
	obs_data_array_t *points = obs_data_get_array(command, "points");
	for (size_t n = 0; probe.pixels != NULL && n < obs_data_array_count(points); n++) {
		obs_data_t *item = obs_data_array_item(points, n);
		uint32_t x = (uint32_t)obs_data_get_int(item, "x"), y = (uint32_t)obs_data_get_int(item, "y");
		obs_data_release(item);
		if (x >= probe.width || y >= probe.height)
			continue;
		const float *p = probe.pixels + ((size_t)y * probe.width + x) * 4;
		bool bgra = probe.space == GS_CS_SRGB && gs_get_format_from_space(probe.space) == GS_BGRA;
		dstr_catf(answer, "%s[%.5f,%.5f,%.5f,%.5f]", n > 0 ? "," : "", p[bgra ? 2 : 0], p[1], p[bgra ? 0 : 2],
		        p[3]);
	}
	obs_data_array_release(points);
	dstr_cat(answer, "]");
	bfree(probe.pixels);
	obs_source_release(probe.source);
}
