/* native/obs-plugin/draw.h - the effect, and every pass that is drawn with it.
 *
 * All on the graphics thread, inside graphics. Pictures are drawn from (0, 0) to the filter's size; one that was
 * captured at another size keeps its shape, centred. */
#ifndef MB_DRAW_H
#define MB_DRAW_H

#include <obs-module.h>

#include "frame-ring.h"
#include "settings.h"

struct mb_draw;

/* NULL where the effect cannot be made. */
struct mb_draw *mb_draw_create(void);
void mb_draw_destroy(struct mb_draw *draw);

/* Draws a picture small: averaged by area, straight alpha, gamma-encoded. `small` is GS_BGRA. */
bool mb_draw_low_res(struct mb_draw *draw, const struct mb_ring_picture *picture, gs_texrender_t *small, uint32_t width,
        uint32_t height);

/* Draws what a pair needs beforehand (feathered matte, blurred background); once a tick, when its pair is known.
 * False where memory is short: then the pair must not be shown. */
bool mb_draw_prepare(struct mb_draw *draw, const struct mb_settings *settings, const struct mb_ring_picture *picture,
        const struct mb_ring_matte *matte);
/* Draws a pair as the settings want it. */
void mb_draw_pair(struct mb_draw *draw, const struct mb_settings *settings, const struct mb_ring_picture *picture,
        const struct mb_ring_matte *matte, uint32_t width, uint32_t height);

/* Reduces the small copy to cells, of which the short side has few: no detail is left. */
bool mb_draw_prepare_cells(struct mb_draw *draw, gs_texture_t *small, uint32_t width, uint32_t height);
/* Draws the cells over the filter's size. */
void mb_draw_cells(struct mb_draw *draw, uint32_t width, uint32_t height);
/* Draws a picture as it is. */
void mb_draw_picture(struct mb_draw *draw, const struct mb_ring_picture *picture, uint32_t width, uint32_t height);
/* Draws ids of frames over the top left corner, opaque: two rows of 32 cells of 8x8 pixels, top bit first, white is 1.
 * Upper row: the shown frame; lower row: the frame whose matte is used, 0 where none is. */
void mb_draw_stamp(struct mb_draw *draw, uint64_t frame_id, uint64_t matte_id);

#endif
