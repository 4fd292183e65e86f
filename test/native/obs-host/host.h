/* test/native/obs-host/host.h - a libobs process without a window, driven line
 * by line: what its files share. */
#ifndef MB_TEST_HOST_H
#define MB_TEST_HOST_H

#include <obs.h>
#include <util/dstr.h>

/* --- picture.c: the test picture, and sources that show it
 * ------------------------------------------------------ */

/* The picture is a grid of cells, whatever its size. Rows 0 to 6: the room (a
 * fine green checkerboard) and in it the person (one colour, columns 2 to 12,
 * moving). Row 7: a ramp of grays. Row 8: one colour, where the fake sidecar
 * writes the number of the frame that it saw into the matte. Row 9: the frame's
 * number in black and white. */
#define MB_CELL_COLUMNS 20
#define MB_CELL_ROWS 10
#define MB_NUMBER_BITS 16

/* Paints frame `number`, BGRA, straight alpha `alpha` everywhere; where the
 * person does not walk, it stands in columns 5 to 8. Any thread. */
void mb_paint(uint8_t *pixels, uint32_t width, uint32_t height, uint32_t number, bool walks, uint8_t alpha);

/* `picture` (a sync source), `picture-hdr` (one that names its colour space)
 * and `camera` (an async source). */
void mb_register_sources(void);

/* --- clip.c: a source that plays frames of a file
 * ---------------------------------------------------------------- */

/* `clip` (an async source). */
void mb_register_clip(void);

/* --- frames.c: every output frame is read back
 * ------------------------------------------------------------------- */

/* Begins to keep frames: pixels at `points`, figures of `areas`. Main thread.
 */
void mb_capture_begin(obs_data_t *command);
/* Waits for `count` frames (or `timeoutMs`), appends what was kept to `answer`,
 * and goes on keeping unless `stop`. */
void mb_capture_take(obs_data_t *command, struct dstr *answer);
void mb_capture_end(void);

/* --- probe.c: one source, drawn into a colour space of choice, as floats
 * ------------------------------------------- */

void mb_probe(obs_data_t *command, struct dstr *answer);

/* --- cost.c: what the filter's callbacks cost OBS's graphics thread
 * -------------------------------------------------- */

/* After obs_startup, and before obs_shutdown. */
void mb_cost_start(void);
void mb_cost_end(void);
/* Appends the figures since the last call, and begins anew. */
void mb_cost_take(struct dstr *answer);

/* --- host.c
 * ----------------------------------------------------------------------------------------------------------
 */

/* Appends a string as JSON, quoted. */
void mb_json_string(struct dstr *out, const char *text);

#endif
