/* A peer hands over memory with any header, any size, any seals: it is refused with a reason, or all that the header
 * promises lies inside it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel.h"
#include "fuzz_input.h"

/* Of a sparse file: it costs nothing. */
#define FILE_BYTES_MAX (1u << 28)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Three inputs of four begin with a right header that is then changed here and there: others hardly get past its magic
 * number. */
static void make_header(struct fuzz_input *input, uint8_t mode, struct mb_header *header)
{
	unsigned char bytes[sizeof(*header)];
	const uint32_t width = fuzz_byte(input) % 66u * MB_SIDE_MULTIPLE;
	const uint32_t height = fuzz_byte(input) % 66u * MB_SIDE_MULTIPLE;

	if ((mode & 3) == 0 || mb_layout(width, height, header) != 0) {
		fuzz_bytes(input, header, sizeof(*header));
		return;
	}
	memcpy(bytes, header, sizeof(bytes));
	for (int changes = fuzz_byte(input) % 4; changes > 0; changes--) {
		const size_t at = fuzz_byte(input) % sizeof(bytes);
		bytes[at] ^= fuzz_byte(input);
	}
	memcpy(header, bytes, sizeof(bytes));
}

static void expect_inside(const struct mb_header *header, uint64_t bytes)
{
	const uint64_t pixels = (uint64_t)header->width * header->height;

	MUST(header->bytes == bytes && header->slots == MB_SLOTS);
	MUST(header->frames >= sizeof(*header) && header->frames % MB_ALIGN == 0 && header->mattes % MB_ALIGN == 0);
	MUST(header->frame_stride >= MB_SLOT_DATA + pixels * MB_BYTES_PER_PIXEL);
	MUST(header->matte_stride >= MB_SLOT_DATA + pixels * MB_PLANES_MAX * 2);
	MUST(header->frames + MB_ALIGN + (uint64_t)MB_SLOTS * header->frame_stride <= header->mattes);
	MUST(header->mattes + MB_ALIGN + (uint64_t)MB_SLOTS * header->matte_stride <= bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	const uint8_t mode = fuzz_byte(&input);
	const uint8_t seals = fuzz_byte(&input);
	const uint32_t size_change = fuzz_word(&input);
	struct mb_header header;
	const char *why = NULL;

	make_header(&input, mode, &header);
	if (mb_layout_check(&header, header.bytes, &why) == 0)
		expect_inside(&header, header.bytes);
	else
		MUST(why && *why);

	const uint64_t bytes = mode & 4 ? size_change % FILE_BYTES_MAX : header.bytes % FILE_BYTES_MAX;
	const int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	MUST(fd >= 0);
	MUST(ftruncate(fd, (off_t)bytes) == 0);
	const size_t part = bytes < sizeof(header) ? (size_t)bytes : sizeof(header);
	MUST(pwrite(fd, &header, part, 0) == (ssize_t)part);
	/* Half of the inputs are sealed as they should be. */
	MUST(fcntl(fd, F_ADD_SEALS, seals & 0x80 ? seals & 0x1f : F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) == 0);

	struct mb_memory memory;
	why = NULL;
	const int result = mb_memory_adopt(&memory, fd, &why);
	if (result == 0) {
		expect_inside(&memory.header, bytes);
		memory.frame_index = MB_SLOTS - 1;
		unsigned char *coefficients = mb_matte_begin(&memory);
		MUST(coefficients);
		coefficients[0] = 1;
		coefficients[mb_matte_bytes(&memory, MB_PLANES_MAX) - 1] = 1;
		MUST(memory.base[bytes - 1] <= 1);
		mb_memory_close(&memory);
	} else {
		MUST(result == -EPROTO && why && *why);
		MUST(fcntl(fd, F_GETFD) == -1);
	}
	return 0;
}
