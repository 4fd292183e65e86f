#include "draw.h"

#include <graphics/vec2.h>
#include <math.h>
#include <string.h>

#include "regions.h"

/* Cells of the policy `blur` on the short side: coarser than the 1/16 that is promised. */
#define CELLS 12u
/* Steps of a blur to either side, as in the effect. */
#define STEPS 8.0f
#define STAMP_WIDTH 256u
#define STAMP_HEIGHT 16u

struct mb_draw {
	gs_effect_t *effect; /* libobs keeps one for all who read the same file */
	gs_eparam_t *image, *coefficients, *coefficients_b, *mask, *matte, *behind;
	gs_eparam_t *encoded, *has_mask, *has_matte, *linear_out, *level_low, *level_high, *image_size, *drawn_size,
	        *tap, *sigma, *shown_frame, *shown_matte;

	gs_texture_t *blank; /* stands where a pass has no use for a texture */
	gs_texrender_t *mattes[2];
	gs_texrender_t *behinds[2];
	gs_texrender_t *cells;
	bool cells_ready;

	/* The regions that `mask_texture` shows, for which shape of picture. */
	gs_texture_t *mask_texture;
	uint32_t mask_width;
	uint32_t mask_height;
	uint32_t region_count;
	struct mb_region regions[MB_REGIONS_MAX];
	uint8_t mask_pixels[MB_MASK_SIDE * MB_MASK_SIDE * 2];
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static bool find_params(struct mb_draw *draw)
{
	const struct {
		gs_eparam_t **param;
		const char *name;
	} wanted[] = {
	        {&draw->image, "image"},
	        {&draw->coefficients, "coefficients"},
	        {&draw->coefficients_b, "coefficients_b"},
	        {&draw->mask, "mask"},
	        {&draw->matte, "matte"},
	        {&draw->behind, "behind"},
	        {&draw->encoded, "encoded"},
	        {&draw->has_mask, "has_mask"},
	        {&draw->has_matte, "has_matte"},
	        {&draw->linear_out, "linear_out"},
	        {&draw->level_low, "level_low"},
	        {&draw->level_high, "level_high"},
	        {&draw->image_size, "image_size"},
	        {&draw->drawn_size, "drawn_size"},
	        {&draw->tap, "tap"},
	        {&draw->sigma, "sigma"},
	        {&draw->shown_frame, "shown_frame"},
	        {&draw->shown_matte, "shown_matte"},
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		*wanted[i].param = gs_effect_get_param_by_name(draw->effect, wanted[i].name);
		if (!*wanted[i].param)
			return false;
	}
	return true;
}

struct mb_draw *mb_draw_create(void)
{
	struct mb_draw *draw = bzalloc(sizeof(*draw));
	const uint8_t black[4] = {0, 0, 0, 0};
	const uint8_t *data = black;
	char *path = obs_module_file("mattebox.effect");
	char *error = NULL;

	if (path)
		draw->effect = gs_effect_create_from_file(path, &error);
	if (!draw->effect)
		blog(LOG_ERROR, "[mattebox] the effect %s cannot be used: %s", path ? path : "mattebox.effect",
		        error ? error : "no such file");
	bfree(error);
	bfree(path);

	draw->blank = gs_texture_create(1, 1, GS_RGBA, 1, &data, 0);
	draw->mattes[0] = gs_texrender_create(GS_R8, GS_ZS_NONE);
	draw->mattes[1] = gs_texrender_create(GS_R8, GS_ZS_NONE);
	draw->behinds[0] = gs_texrender_create(GS_RGBA16F, GS_ZS_NONE);
	draw->behinds[1] = gs_texrender_create(GS_RGBA16F, GS_ZS_NONE);
	draw->cells = gs_texrender_create(GS_RGBA16F, GS_ZS_NONE);
	if (!draw->effect || !draw->blank || !draw->mattes[0] || !draw->mattes[1] || !draw->behinds[0] ||
	        !draw->behinds[1] || !draw->cells || !find_params(draw)) {
		mb_draw_destroy(draw);
		return NULL;
	}
	return draw;
}

void mb_draw_destroy(struct mb_draw *draw)
{
	if (!draw)
		return;
	gs_effect_destroy(draw->effect);
	gs_texture_destroy(draw->blank);
	gs_texture_destroy(draw->mask_texture);
	for (size_t i = 0; i < 2; i++) {
		gs_texrender_destroy(draw->mattes[i]);
		gs_texrender_destroy(draw->behinds[i]);
	}
	gs_texrender_destroy(draw->cells);
	bfree(draw);
}

/* --- the effect's inputs ------------------------------------------------------------------------------------------ */

static void set_size(gs_eparam_t *param, uint32_t width, uint32_t height)
{
	struct vec2 size;
	vec2_set(&size, (float)width, (float)height);
	gs_effect_set_vec2(param, &size);
}

/* `raw`: the picture's bytes as they are; else decoded to linear light where they are gamma-encoded. */
static void set_picture(struct mb_draw *draw, const struct mb_ring_picture *picture, bool raw)
{
	gs_texture_t *texture = gs_texrender_get_texture(picture->render);
	const bool encoded = raw && picture->space == GS_CS_SRGB;
	if (encoded)
		gs_effect_set_texture(draw->image, texture);
	else
		gs_effect_set_texture_srgb(draw->image, texture);
	gs_effect_set_bool(draw->encoded, encoded);
	set_size(draw->image_size, picture->width, picture->height);
}

static void set_texture(struct mb_draw *draw, gs_eparam_t *param, gs_texture_t *texture)
{
	gs_effect_set_texture(param, texture ? texture : draw->blank);
}

/* All that the matte and the foreground depend on; NULL for passes that need neither. */
static void set_matte(struct mb_draw *draw, const struct mb_settings *settings, const struct mb_ring_matte *matte,
        gs_texture_t *feathered)
{
	const bool has_mask = settings && settings->region_count && draw->mask_texture;
	set_texture(draw, draw->coefficients, matte ? matte->textures[0] : NULL);
	set_texture(draw, draw->coefficients_b, matte ? matte->textures[1] : NULL);
	set_texture(draw, draw->mask, has_mask ? draw->mask_texture : NULL);
	set_texture(draw, draw->matte, feathered);
	set_texture(draw, draw->behind, NULL);
	gs_effect_set_bool(draw->has_mask, has_mask);
	gs_effect_set_bool(draw->has_matte, feathered != NULL);
	gs_effect_set_float(draw->level_low, settings ? settings->level_low : 0.0f);
	gs_effect_set_float(draw->level_high, settings ? settings->level_high : 1.0f);
}

/* --- passes into textures ----------------------------------------------------------------------------------------- */

static bool pass_begin(gs_texrender_t *target, uint32_t width, uint32_t height, bool *framebuffer_srgb)
{
	gs_texrender_reset(target);
	if (!gs_texrender_begin(target, width, height))
		return false;
	*framebuffer_srgb = gs_framebuffer_srgb_enabled();
	gs_enable_framebuffer_srgb(false);
	gs_blend_state_push();
	gs_enable_blending(false);
	gs_ortho(0.0f, (float)width, 0.0f, (float)height, -100.0f, 100.0f);
	return true;
}

static bool pass(struct mb_draw *draw, const char *technique, gs_texrender_t *target, uint32_t width, uint32_t height)
{
	bool framebuffer_srgb;
	if (!pass_begin(target, width, height, &framebuffer_srgb))
		return false;
	set_size(draw->drawn_size, width, height);
	while (gs_effect_loop(draw->effect, technique))
		gs_draw_sprite(NULL, 0, width, height);
	gs_blend_state_pop();
	gs_enable_framebuffer_srgb(framebuffer_srgb);
	gs_texrender_end(target);
	return true;
}

/* Runs a technique of a step and a reach in both directions, over the first texture by way of the second. */
static bool both_directions(struct mb_draw *draw, const char *technique, gs_texrender_t *targets[2], uint32_t width,
        uint32_t height, float step, float sigma)
{
	for (size_t i = 0; i < 2; i++) {
		struct vec2 tap;
		vec2_set(&tap, i == 0 ? step / (float)width : 0.0f, i == 0 ? 0.0f : step / (float)height);
		gs_effect_set_vec2(draw->tap, &tap);
		gs_effect_set_float(draw->sigma, sigma);
		set_texture(draw, draw->image, gs_texrender_get_texture(targets[i]));
		set_matte(draw, NULL, NULL, NULL);
		if (!pass(draw, technique, targets[1 - i], width, height))
			return false;
	}
	return true;
}

bool mb_draw_low_res(struct mb_draw *draw, const struct mb_ring_picture *picture, gs_texrender_t *small, uint32_t width,
        uint32_t height)
{
	set_picture(draw, picture, true);
	set_matte(draw, NULL, NULL, NULL);
	return pass(draw, "LowRes", small, width, height);
}

/* Settings give lengths in pixels of a 1080-line picture. */
static float in_pixels(float length, const struct mb_ring_picture *picture)
{
	return length * (float)picture->height / 1080.0f;
}

static bool draw_feather(struct mb_draw *draw, const struct mb_settings *settings,
        const struct mb_ring_picture *picture, const struct mb_ring_matte *matte)
{
	const float radius = in_pixels(fabsf(settings->feather), picture);
	set_picture(draw, picture, true);
	set_matte(draw, settings, matte, NULL);
	if (!pass(draw, matte->planes == 8 ? "Matte8" : "Matte2", draw->mattes[0], picture->width, picture->height))
		return false;
	return both_directions(draw, settings->feather > 0.0f ? "Blur" : "Shrink", draw->mattes, picture->width,
	        picture->height, radius / STEPS, STEPS / 2.0f);
}

static gs_texture_t *feathered(struct mb_draw *draw, const struct mb_settings *settings)
{
	return settings->feather != 0.0f ? gs_texrender_get_texture(draw->mattes[0]) : NULL;
}

static bool wants_behind(const struct mb_settings *settings)
{
	return settings->background == MB_BACKGROUND_BLUR && settings->view == MB_VIEW_RESULT;
}

static bool draw_behind(struct mb_draw *draw, const struct mb_settings *settings, const struct mb_ring_picture *picture,
        const struct mb_ring_matte *matte)
{
	/* Blurred small: a radius of some 4 pixels there is a smooth one here. */
	const float radius = in_pixels(settings->blur_radius, picture);
	const float scale = radius > 4.0f ? radius / 4.0f : 1.0f;
	const uint32_t width = (uint32_t)ceilf((float)picture->width / scale);
	const uint32_t height = (uint32_t)ceilf((float)picture->height / scale);

	set_picture(draw, picture, true);
	set_matte(draw, settings, matte, feathered(draw, settings));
	if (!pass(draw, matte->planes == 8 ? "Behind8" : "Behind2", draw->behinds[0], width, height))
		return false;
	if (radius <= 0.0f)
		return true;
	return both_directions(draw, "Blur", draw->behinds, width, height, radius / scale / STEPS * 1.5f, STEPS / 3.0f);
}

static bool draw_regions(
        struct mb_draw *draw, const struct mb_settings *settings, uint32_t source_width, uint32_t source_height)
{
	uint32_t width;
	uint32_t height;
	struct mb_polygon polygons[MB_REGIONS_MAX];

	if (!settings->region_count)
		return true;
	mb_mask_size(source_width, source_height, &width, &height);
	if (draw->mask_texture && draw->mask_width == width && draw->mask_height == height &&
	        draw->region_count == settings->region_count &&
	        memcmp(draw->regions, settings->regions, settings->region_count * sizeof(settings->regions[0])) == 0)
		return true;

	if (!draw->mask_texture || draw->mask_width != width || draw->mask_height != height) {
		gs_texture_destroy(draw->mask_texture);
		draw->mask_texture = gs_texture_create(width, height, GS_R8G8, 1, NULL, GS_DYNAMIC);
		if (!draw->mask_texture)
			return false;
	}
	for (uint32_t i = 0; i < settings->region_count; i++)
		polygons[i] = (struct mb_polygon){.points = settings->regions[i].points,
		        .count = settings->regions[i].count,
		        .keep = settings->regions[i].keep};
	mb_mask_draw(polygons, settings->region_count, width, height, draw->mask_pixels);
	gs_texture_set_image(draw->mask_texture, draw->mask_pixels, width * 2, false);
	draw->mask_width = width;
	draw->mask_height = height;
	draw->region_count = settings->region_count;
	memcpy(draw->regions, settings->regions, settings->region_count * sizeof(settings->regions[0]));
	return true;
}

bool mb_draw_prepare(struct mb_draw *draw, const struct mb_settings *settings, const struct mb_ring_picture *picture,
        const struct mb_ring_matte *matte)
{
	return draw_regions(draw, settings, picture->width, picture->height) &&
	       (settings->feather == 0.0f || draw_feather(draw, settings, picture, matte)) &&
	       (!wants_behind(settings) || draw_behind(draw, settings, picture, matte));
}

bool mb_draw_prepare_cells(struct mb_draw *draw, gs_texture_t *small, uint32_t width, uint32_t height)
{
	const uint32_t shorter = width < height ? width : height;
	const uint32_t across = (width * CELLS + shorter / 2) / shorter;
	const uint32_t down = (height * CELLS + shorter / 2) / shorter;
	set_texture(draw, draw->image, small);
	set_size(draw->image_size, width, height);
	set_matte(draw, NULL, NULL, NULL);
	draw->cells_ready = pass(draw, "Cells", draw->cells, across, down);
	return draw->cells_ready;
}

/* --- passes to the screen ----------------------------------------------------------------------------------------- */

/* Where the target takes linear light and is 8 bits deep, the hardware encodes it. */
static void begin_output(struct mb_draw *draw, bool *framebuffer_srgb)
{
	const enum gs_color_space space = gs_get_color_space();
	const bool eight_bit = space == GS_CS_SRGB;
	/* HDR is always linear. */
	const bool linear = gs_get_linear_srgb() || space == GS_CS_709_EXTENDED || space == GS_CS_709_SCRGB;
	*framebuffer_srgb = gs_framebuffer_srgb_enabled();
	gs_enable_framebuffer_srgb(linear && eight_bit);
	gs_effect_set_bool(draw->linear_out, linear);
	gs_blend_state_push();
	gs_blend_function(GS_BLEND_ONE, GS_BLEND_INVSRCALPHA);
}

static void end_output(bool framebuffer_srgb)
{
	gs_blend_state_pop();
	gs_enable_framebuffer_srgb(framebuffer_srgb);
}

/* Draws `from` pixels over `to` pixels: the same shape, as large as fits, centred. */
static void output(struct mb_draw *draw, const char *technique, const uint32_t from[2], const uint32_t to[2])
{
	const float across = (float)to[0] / (float)from[0];
	const float down = (float)to[1] / (float)from[1];
	const float scale = across < down ? across : down;
	const bool fits = from[0] == to[0] && from[1] == to[1];
	if (!fits) {
		gs_matrix_push();
		gs_matrix_translate3f(((float)to[0] - (float)from[0] * scale) / 2.0f,
		        ((float)to[1] - (float)from[1] * scale) / 2.0f, 0.0f);
		gs_matrix_scale3f(scale, scale, 1.0f);
	}
	while (gs_effect_loop(draw->effect, technique))
		gs_draw_sprite(NULL, 0, from[0], from[1]);
	if (!fits)
		gs_matrix_pop();
}

static const char *pair_technique(const struct mb_settings *settings, const struct mb_ring_matte *matte)
{
	const bool eight = matte->planes == 8;
	if (wants_behind(settings))
		return eight ? "Blurred8" : "Blurred2";
	switch (settings->view) {
	case MB_VIEW_ALPHA:
		return eight ? "Alpha8" : "Alpha2";
	case MB_VIEW_FOREGROUND:
		return eight ? "Foreground8" : "Foreground2";
	case MB_VIEW_RESULT:
	default:
		return eight ? "Result8" : "Result2";
	}
}

void mb_draw_pair(struct mb_draw *draw, const struct mb_settings *settings, const struct mb_ring_picture *picture,
        const struct mb_ring_matte *matte, uint32_t width, uint32_t height)
{
	bool framebuffer_srgb;
	begin_output(draw, &framebuffer_srgb);
	set_picture(draw, picture, false);
	set_matte(draw, settings, matte, feathered(draw, settings));
	if (wants_behind(settings))
		set_texture(draw, draw->behind, gs_texrender_get_texture(draw->behinds[0]));
	output(draw, pair_technique(settings, matte), (uint32_t[]){picture->width, picture->height},
	        (uint32_t[]){width, height});
	end_output(framebuffer_srgb);
}

void mb_draw_picture(struct mb_draw *draw, const struct mb_ring_picture *picture, uint32_t width, uint32_t height)
{
	bool framebuffer_srgb;
	begin_output(draw, &framebuffer_srgb);
	set_picture(draw, picture, false);
	set_matte(draw, NULL, NULL, NULL);
	output(draw, "Picture", (uint32_t[]){picture->width, picture->height}, (uint32_t[]){width, height});
	end_output(framebuffer_srgb);
}

void mb_draw_cells(struct mb_draw *draw, uint32_t width, uint32_t height)
{
	bool framebuffer_srgb;
	if (!draw->cells_ready)
		return;
	begin_output(draw, &framebuffer_srgb);
	set_texture(draw, draw->image, gs_texrender_get_texture(draw->cells));
	set_matte(draw, NULL, NULL, NULL);
	output(draw, "Picture", (uint32_t[]){width, height}, (uint32_t[]){width, height});
	end_output(framebuffer_srgb);
}

void mb_draw_stamp(struct mb_draw *draw, uint64_t frame_id, uint64_t matte_id)
{
	const uint32_t size[2] = {STAMP_WIDTH, STAMP_HEIGHT};
	bool framebuffer_srgb;
	begin_output(draw, &framebuffer_srgb);
	set_texture(draw, draw->image, NULL);
	set_matte(draw, NULL, NULL, NULL);
	gs_effect_set_int(draw->shown_frame, (int)(uint32_t)frame_id);
	gs_effect_set_int(draw->shown_matte, (int)(uint32_t)matte_id);
	output(draw, "Stamp", size, size);
	end_output(framebuffer_srgb);
}
