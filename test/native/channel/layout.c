/* Red when a check is left out of mb_layout_check (seen with `reserved`: one flipped bit passes). */
#include <errno.h>
#include <string.h>

#include "channel.h"
#include "expect.h"

static void gives_every_slot_a_place(void)
{
	for (uint32_t width = MB_SIDE_MIN; width <= MB_SIDE_MAX; width += MB_SIDE_MULTIPLE) {
		for (uint32_t height = MB_SIDE_MIN; height <= MB_SIDE_MAX; height += MB_SIDE_MULTIPLE) {
			struct mb_header header;
			const char *why = NULL;
			const uint64_t pixels = (uint64_t)width * height;

			EXPECT_EQUAL(mb_layout(width, height, &header), 0);
			EXPECT(header.frames >= sizeof(header) && header.frames % MB_ALIGN == 0);
			EXPECT(header.frame_stride >= MB_SLOT_DATA + pixels * 4 && header.frame_stride % MB_ALIGN == 0);
			EXPECT(header.mattes >= header.frames + MB_ALIGN + MB_SLOTS * (uint64_t)header.frame_stride);
			EXPECT(header.mattes % MB_ALIGN == 0);
			EXPECT(header.matte_stride >= MB_SLOT_DATA + pixels * MB_PLANES_MAX * 2);
			EXPECT(header.matte_stride % MB_ALIGN == 0);
			EXPECT_EQUAL(header.bytes, header.mattes + MB_ALIGN + MB_SLOTS * (uint64_t)header.matte_stride);
			EXPECT_EQUAL(mb_layout_check(&header, header.bytes, &why), 0);
		}
	}
}

static void refuses_other_sides(void)
{
	static const uint32_t wrong[] = {0, 1, 8, 15, 17, 24, 1023, 1025, 1040, 2048, 65536, 0x80000000u, UINT32_MAX};
	struct mb_header header;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		EXPECT_EQUAL(mb_layout(wrong[i], 272, &header), -EINVAL);
		EXPECT_EQUAL(mb_layout(480, wrong[i], &header), -EINVAL);
	}
}

static void refuses_every_flipped_bit(void)
{
	struct mb_header right;

	EXPECT_EQUAL(mb_layout(480, 272, &right), 0);
	for (size_t bit = 0; bit < sizeof(right) * 8; bit++) {
		struct mb_header wrong;
		unsigned char bytes[sizeof(wrong)];
		const char *why = NULL;

		memcpy(bytes, &right, sizeof(bytes));
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		memcpy(&wrong, bytes, sizeof(wrong));
		EXPECT_EQUAL(mb_layout_check(&wrong, right.bytes, &why), -EPROTO);
		EXPECT(why != NULL && strlen(why) > 20);
		/* The file may agree with the lie. */
		EXPECT_EQUAL(mb_layout_check(&wrong, wrong.bytes, &why), -EPROTO);
	}
}

static void refuses_a_file_of_another_size(void)
{
	static const int64_t off[] = {-4096, -1, 1, 4096};
	struct mb_header header;
	const char *why = NULL;

	EXPECT_EQUAL(mb_layout(480, 272, &header), 0);
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		EXPECT_EQUAL(mb_layout_check(&header, header.bytes + (uint64_t)off[i], &why), -EPROTO);
	EXPECT_EQUAL(mb_layout_check(&header, 0, &why), -EPROTO);
	EXPECT_EQUAL(mb_layout_check(&header, UINT64_MAX, &why), -EPROTO);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	        {"gives every slot of every low resolution a place of its own", gives_every_slot_a_place},
	        {"knows no side but the multiples of 16 in 16..1024", refuses_other_sides},
	        {"refuses a header with any one bit flipped, and says why", refuses_every_flipped_bit},
	        {"refuses a file that is shorter or longer than its header", refuses_a_file_of_another_size},
	};
	return RUN_CASES(argc, argv, cases);
}
