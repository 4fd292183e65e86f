#include "capture.h"

#define RIPE_NS 25000000u
#define RIPE_TICKS 2u

bool mb_capture_create(struct mb_capture *capture)
{
	*capture = (struct mb_capture){.small = gs_texrender_create(GS_BGRA, GS_ZS_NONE)};
	return capture->small != NULL;
}

void mb_capture_free(struct mb_capture *capture)
{
	gs_texrender_destroy(capture->small);
	for (size_t i = 0; i < MB_STAGES; i++)
		gs_stagesurface_destroy(capture->surfaces[i]);
	*capture = (struct mb_capture){0};
}

bool mb_capture_picture(
        struct mb_ring_picture *picture, obs_source_t *target, obs_source_t *parent, uint32_t width, uint32_t height)
{
	const uint32_t flags = obs_source_get_output_flags(target);
	const bool plain = target == parent && (flags & (OBS_SOURCE_CUSTOM_DRAW | OBS_SOURCE_ASYNC)) == 0;

	gs_texrender_reset(picture->render);
	if (!gs_texrender_begin_with_color_space(picture->render, width, height, picture->space))
		return false;
	/* Always in linear light, whoever renders us now: the picture is drawn later, and perhaps elsewhere. */
	const bool linear = gs_set_linear_srgb(true);
	const bool framebuffer_srgb = gs_framebuffer_srgb_enabled();
	struct vec4 nothing;
	vec4_zero(&nothing);
	gs_clear(GS_CLEAR_COLOR, &nothing, 0.0f, 0);
	gs_ortho(0.0f, (float)width, 0.0f, (float)height, -100.0f, 100.0f);
	gs_blend_state_push();
	gs_blend_function_separate(GS_BLEND_SRCALPHA, GS_BLEND_INVSRCALPHA, GS_BLEND_ONE, GS_BLEND_INVSRCALPHA);
	if (plain)
		obs_source_default_render(target);
	else
		obs_source_video_render(target);
	gs_blend_state_pop();
	gs_enable_framebuffer_srgb(framebuffer_srgb);
	gs_set_linear_srgb(linear);
	gs_texrender_end(picture->render);
	return true;
}

bool mb_capture_small(struct mb_capture *capture, struct mb_draw *draw, const struct mb_ring_picture *picture,
        uint32_t width, uint32_t height)
{
	capture->small_width = width;
	capture->small_height = height;
	return mb_draw_low_res(draw, picture, capture->small, width, height);
}

bool mb_capture_stage(struct mb_capture *capture, const struct mb_staged *staged)
{
	if (capture->count == MB_STAGES)
		return false;
	const uint32_t at = (capture->first + capture->count) % MB_STAGES;
	gs_stagesurf_t *surface = capture->surfaces[at];
	if (surface && (gs_stagesurface_get_width(surface) != staged->width ||
	                       gs_stagesurface_get_height(surface) != staged->height)) {
		gs_stagesurface_destroy(surface);
		surface = NULL;
	}
	if (!surface)
		surface = gs_stagesurface_create(staged->width, staged->height, GS_BGRA);
	capture->surfaces[at] = surface;
	if (!surface)
		return false;
	gs_stage_texture(surface, gs_texrender_get_texture(capture->small));
	capture->staged[at] = *staged;
	capture->count++;
	return true;
}

const struct mb_staged *mb_capture_ripe(const struct mb_capture *capture, uint64_t tick, uint64_t now)
{
	if (!capture->count)
		return NULL;
	const struct mb_staged *oldest = &capture->staged[capture->first];
	return tick - oldest->tick >= RIPE_TICKS || now - oldest->captured_ns >= RIPE_NS ? oldest : NULL;
}

const uint8_t *mb_capture_map(struct mb_capture *capture, uint32_t *stride_bytes)
{
	uint8_t *data = NULL;
	return gs_stagesurface_map(capture->surfaces[capture->first], &data, stride_bytes) ? data : NULL;
}

void mb_capture_unmap(struct mb_capture *capture)
{
	gs_stagesurface_unmap(capture->surfaces[capture->first]);
}

void mb_capture_drop(struct mb_capture *capture)
{
	capture->first = (capture->first + 1) % MB_STAGES;
	capture->count--;
}
