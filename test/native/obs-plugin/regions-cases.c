/* Regions as a mask, and the size of the frame that the network sees (native/obs-plugin/regions.h, low-res.h).
 * Seen red: with spans filled from the second crossing on; with the ratio not lowered past 1024. */
#include "expect.h"
#include "low-res.h"
#include "regions.h"

static uint8_t mask[MB_MASK_SIDE * MB_MASK_SIDE * 2];

static const float square[4][2] = {{0.25f, 0.25f}, {0.75f, 0.25f}, {0.75f, 0.75f}, {0.25f, 0.75f}};

static uint8_t kept_out(uint32_t x, uint32_t y)
{
	return mask[(y * 256 + x) * 2];
}

static uint8_t kept(uint32_t x, uint32_t y)
{
	return mask[(y * 256 + x) * 2 + 1];
}

static void has_the_pictures_shape(void)
{
	uint32_t width;
	uint32_t height;
	mb_mask_size(1920, 1080, &width, &height);
	EXPECT_EQUAL(width, 256);
	EXPECT_EQUAL(height, 144);
	mb_mask_size(2, 4000, &width, &height);
	EXPECT_EQUAL(width, 1);
	EXPECT_EQUAL(height, 256);
}

static void fills_inside(void)
{
	const struct mb_polygon polygon = {.points = square, .count = 4, .keep = false};
	mb_mask_draw(&polygon, 1, 256, 256, mask);
	for (uint32_t y = 0; y < 256; y++) {
		for (uint32_t x = 0; x < 256; x++) {
			const int inside = x >= 64 && x < 192 && y >= 64 && y < 192;
			EXPECT_EQUAL(kept_out(x, y), inside ? 255 : 0);
			EXPECT_EQUAL(kept(x, y), 0);
		}
	}
}

static void tells_keep_from_keep_out(void)
{
	const float triangle[3][2] = {{0.0f, 0.0f}, {1.0f, 0.0f}, {0.0f, 1.0f}};
	const struct mb_polygon polygons[2] = {
	        {.points = square, .count = 4, .keep = false}, {.points = triangle, .count = 3, .keep = true}};
	mb_mask_draw(polygons, 2, 256, 256, mask);
	EXPECT_EQUAL(kept(1, 1), 255);
	EXPECT_EQUAL(kept_out(1, 1), 0);
	EXPECT_EQUAL(kept(70, 70), 255);
	EXPECT_EQUAL(kept_out(70, 70), 255);
	EXPECT_EQUAL(kept(180, 180), 0);
	EXPECT_EQUAL(kept_out(180, 180), 255);
}

static void is_even_odd(void)
{
	/* A star of five points: its middle lies outside. */
	const float star[5][2] = {{0.5f, 0.0f}, {0.8f, 1.0f}, {0.0f, 0.4f}, {1.0f, 0.4f}, {0.2f, 1.0f}};
	const struct mb_polygon polygon = {.points = star, .count = 5, .keep = true};
	mb_mask_draw(&polygon, 1, 256, 256, mask);
	EXPECT_EQUAL(kept(128, 60), 255);
	EXPECT_EQUAL(kept(128, 140), 0);
	EXPECT_EQUAL(kept(20, 108), 255);
}

static void bears_odd_polygons(void)
{
	const float beyond[4][2] = {{-1e30f, -3.0f}, {1e30f, -3.0f}, {1e30f, 7.0f}, {-1e30f, 7.0f}};
	const float line[3][2] = {{0.5f, 0.5f}, {0.5f, 0.5f}, {0.5f, 0.5f}};
	const struct mb_polygon polygons[3] = {{.points = line, .count = 3, .keep = true},
	        {.points = line, .count = 0, .keep = true}, {.points = beyond, .count = 4, .keep = false}};
	mb_mask_draw(polygons, 3, 256, 256, mask);
	EXPECT_EQUAL(kept(128, 128), 0);
	EXPECT_EQUAL(kept_out(0, 0), 255);
	EXPECT_EQUAL(kept_out(255, 255), 255);
}

static void expect_low_res(uint32_t w, uint32_t h, double ratio, uint32_t wanted_w, uint32_t wanted_h)
{
	const struct mb_low_res found = mb_low_res(w, h, ratio);
	EXPECT_EQUAL(found.width, wanted_w);
	EXPECT_EQUAL(found.height, wanted_h);
}

static void knows_the_published_sizes(void)
{
	expect_low_res(1920, 1080, 0, 512, 288);
	expect_low_res(1920, 1080, 0.25, 480, 272);
	expect_low_res(1280, 720, 0.375, 480, 272);
	expect_low_res(3840, 2160, 0.125, 480, 272);
	expect_low_res(320, 180, 0, 320, 176);
	expect_low_res(10, 4, 0.05, 16, 16);
	expect_low_res(24, 40, 1, 32, 48);
}

static void stays_within_1024(void)
{
	const struct mb_low_res found = mb_low_res(3840, 2160, 1);
	EXPECT_EQUAL(found.width, 1024);
	EXPECT_EQUAL(found.height, 576);
	EXPECT(found.ratio > 0.266 && found.ratio < 0.267);
	for (uint32_t w = 1; w < 10000; w += 7) {
		const struct mb_low_res size = mb_low_res(w, 10000 - w, 1);
		EXPECT(size.width >= 16 && size.width <= 1024 && size.width % 16 == 0);
		EXPECT(size.height >= 16 && size.height <= 1024 && size.height % 16 == 0);
	}
}

int main(int argc, char **argv)
{
	const struct test_case cases[] = {
	        {"the mask has the picture's shape", has_the_pictures_shape},
	        {"a polygon fills the cells whose centres it contains", fills_inside},
	        {"keep and keep out are told apart, also where they overlap", tells_keep_from_keep_out},
	        {"what is enclosed twice lies outside", is_even_odd},
	        {"polygons of no area or beyond the picture do no harm", bears_odd_polygons},
	        {"the low resolution is that of the published marks", knows_the_published_sizes},
	        {"the low resolution has sides of 16 to 1024, and says the ratio in "
	         "effect",
	                stays_within_1024},
	};
	return RUN_CASES(argc, argv, cases);
}
