/* What a hostile filter may hand the sidecar as memory, and do to it afterwards.
 *
 * Red when a seal is left out of SEALS, when the file system is not asked for, when the header is read again from the
 * shared memory, when a slot is checked in the shared memory instead of in the copy, or when a refused descriptor stays
 * open. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "both_sides.h"
#include "expect.h"
#include "footprint.h"
#include "scratch_folder.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_HUGETLB
#define MFD_HUGETLB 0x0004U
#endif

enum { width = 48, height = 32 };
static const int right_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

static struct mb_header right_header(void)
{
	struct mb_header header;
	EXPECT_EQUAL(mb_layout(width, height, &header), 0);
	return header;
}

/* A memfd as a hostile peer makes it. */
static int memory_with(const struct mb_header *header, uint64_t bytes, int seals)
{
	const int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	EXPECT(fd >= 0);
	EXPECT_EQUAL(ftruncate(fd, (off_t)bytes), 0);
	const size_t part = bytes < sizeof(*header) ? (size_t)bytes : sizeof(*header);
	EXPECT_EQUAL(pwrite(fd, header, part, 0), part);
	EXPECT_EQUAL(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* Refused with a reason; the descriptor is closed and nothing is mapped. */
static void expect_refused(int fd)
{
	struct mb_memory memory = {.fd = 1234, .base = (unsigned char *)1};
	const char *why = NULL;

	EXPECT_EQUAL(mb_memory_adopt(&memory, fd, &why), -EPROTO);
	EXPECT(why != NULL && strlen(why) > 20);
	EXPECT_EQUAL(memory.fd, -1);
	EXPECT(memory.base == NULL);
	EXPECT(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
	mb_memory_close(&memory);
}

static void makes_what_it_adopts(void)
{
	const struct footprint before = footprint_now();
	struct both_sides both = both_sides_open(480, 272);

	EXPECT_EQUAL(footprint_now().memories, before.memories + 2);
	EXPECT_EQUAL(fcntl(both.filter.fd, F_GET_SEALS) & right_seals, right_seals);
	EXPECT(fcntl(both.filter.fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQUAL(memcmp(&both.filter.header, &both.sidecar.header, sizeof(struct mb_header)), 0);
	both.filter.base[both.filter.header.bytes - 1] = 0x5a;
	EXPECT_EQUAL(both.sidecar.base[both.sidecar.header.bytes - 1], 0x5a);
	both_sides_close(&both);
	expect_footprint(before);
	/* Twice does nothing. */
	both_sides_close(&both);
	expect_footprint(before);

	struct mb_memory none;
	EXPECT_EQUAL(mb_memory_create(&none, 50, 32), -EINVAL);
	EXPECT_EQUAL(none.fd, -1);
	mb_memory_close(&none);
	expect_footprint(before);
}

static void refuses_what_is_no_memory(void)
{
	const struct footprint before = footprint_now();
	const struct mb_header header = right_header();
	char *path = scratch_path("file");
	int pair[2];

	EXPECT_EQUAL(pipe(pair), 0);
	expect_refused(pair[0]);
	expect_refused(pair[1]);
	EXPECT_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	expect_refused(pair[0]);
	close(pair[1]);
	expect_refused(open("/dev/zero", O_RDWR));
	expect_refused(open("/proc/self/mem", O_RDWR));
	expect_refused(open("/", O_RDONLY | O_DIRECTORY));
	expect_refused(epoll_create1(0));

	const int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	EXPECT(file >= 0);
	EXPECT_EQUAL(ftruncate(file, (off_t)header.bytes), 0);
	EXPECT_EQUAL(pwrite(file, &header, sizeof(header), 0), sizeof(header));
	expect_refused(file);
	expect_refused(open(path, O_PATH));
	unlink(path);
	free(path);

	/* A file on tmpfs is a memory, but cannot be sealed. */
	const int shared = open("/dev/shm", O_RDWR | O_TMPFILE, 0600);
	if (shared >= 0) {
		EXPECT_EQUAL(ftruncate(shared, (off_t)header.bytes), 0);
		EXPECT_EQUAL(pwrite(shared, &header, sizeof(header), 0), sizeof(header));
		expect_refused(shared);
	}
	expect_footprint(before);
}

static void refuses_a_descriptor_that_is_none(void)
{
	const struct footprint before = footprint_now();
	struct mb_memory memory;
	const char *why = NULL;

	EXPECT_EQUAL(mb_memory_adopt(&memory, -1, &why), -EPROTO);
	EXPECT_EQUAL(mb_memory_adopt(&memory, 100000, &why), -EPROTO);
	expect_footprint(before);
}

static void refuses_other_seals(void)
{
	const struct footprint before = footprint_now();
	const struct mb_header header = right_header();
	static const int each[] = {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL};

	for (int set = 0; set < 7; set++) {
		int seals = 0;
		for (int i = 0; i < 3; i++)
			seals |= set >> i & 1 ? each[i] : 0;
		expect_refused(memory_with(&header, header.bytes, seals));
	}
	expect_refused(memory_with(&header, header.bytes, right_seals | F_SEAL_WRITE));
	expect_refused(memory_with(&header, header.bytes, right_seals | F_SEAL_FUTURE_WRITE));
	/* Made without MFD_ALLOW_SEALING: has one seal, the last. */
	const int unsealable = memfd_create("hostile", MFD_CLOEXEC);
	EXPECT_EQUAL(ftruncate(unsealable, (off_t)header.bytes), 0);
	EXPECT_EQUAL(pwrite(unsealable, &header, sizeof(header), 0), sizeof(header));
	expect_refused(unsealable);
	expect_footprint(before);
}

static void adopts_seals_that_it_does_not_know(void)
{
	/* F_SEAL_EXEC, since Linux 6.3: newer kernels may set it for every memory. */
	enum { seal_exec = 0x0020 };
	const struct mb_header header = right_header();
	const char *why = NULL;
	struct mb_memory memory;
	const int fd = memfd_create("newer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	EXPECT_EQUAL(ftruncate(fd, (off_t)header.bytes), 0);
	EXPECT_EQUAL(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	/* One that could be executed would be sealed against writing too. */
	EXPECT_EQUAL(fchmod(fd, 0600), 0);
	/* An older kernel says EINVAL: then there is nothing to see. */
	fcntl(fd, F_ADD_SEALS, seal_exec);
	EXPECT_EQUAL(fcntl(fd, F_ADD_SEALS, right_seals), 0);
	EXPECT_EQUAL(mb_memory_adopt(&memory, fd, &why), 0);
	mb_memory_close(&memory);
}

static void refuses_what_may_not_be_written(void)
{
	const struct footprint before = footprint_now();
	const struct mb_header header = right_header();
	const int fd = memory_with(&header, header.bytes, right_seals);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	expect_refused(open(path, O_RDONLY));
	expect_refused(open(path, O_WRONLY));
	expect_refused(open(path, O_PATH));
	close(fd);
	expect_footprint(before);
}

static void refuses_huge_pages(void)
{
	const struct footprint before = footprint_now();
	const int fd = memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

	if (fd < 0) /* a kernel without them */
		return;
	EXPECT_EQUAL(fcntl(fd, F_ADD_SEALS, right_seals), 0);
	struct mb_memory memory;
	const char *why = NULL;
	EXPECT_EQUAL(mb_memory_adopt(&memory, fd, &why), -EPROTO);
	EXPECT(strstr(why, "ordinary pages") != NULL);
	expect_footprint(before);
}

static void refuses_another_size(void)
{
	const struct footprint before = footprint_now();
	const struct mb_header header = right_header();
	const uint64_t sizes[] = {
	        0, 1, 10, 55, 56, 4096, header.bytes - 4096, header.bytes - 1, header.bytes + 1, 1u << 30};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		expect_refused(memory_with(&header, sizes[i], right_seals));
	expect_footprint(before);
}

static void refuses_every_other_header(void)
{
	const struct footprint before = footprint_now();
	const struct mb_header right = right_header();

	for (size_t at = 0; at < sizeof(right); at++) {
		static const unsigned char changes[] = {0x01, 0x10, 0x80, 0xff};
		for (size_t i = 0; i < sizeof(changes); i++) {
			struct mb_header wrong;
			unsigned char bytes[sizeof(wrong)];
			memcpy(bytes, &right, sizeof(bytes));
			bytes[at] ^= changes[i];
			memcpy(&wrong, bytes, sizeof(wrong));
			expect_refused(memory_with(&wrong, right.bytes, right_seals));
		}
	}
	expect_footprint(before);
}

static void cannot_be_shrunk(void)
{
	struct both_sides both = both_sides_open(width, height);

	EXPECT(ftruncate(both.filter.fd, 0) == -1 && errno == EPERM);
	EXPECT(ftruncate(both.filter.fd, 1 << 30) == -1 && errno == EPERM);
	EXPECT(fcntl(both.filter.fd, F_ADD_SEALS, F_SEAL_WRITE) == -1 && errno == EPERM);
	both_sides_close(&both);

	/* One that could be is never mapped, so that its end has nobody to kill. */
	const struct mb_header header = right_header();
	const int fd = memory_with(&header, header.bytes, F_SEAL_GROW);
	const int theirs = dup(fd);
	expect_refused(fd);
	EXPECT_EQUAL(ftruncate(theirs, 0), 0);
	close(theirs);
}

static void reads_zeros_where_it_was_punched(void)
{
	struct both_sides both = both_sides_open(width, height);
	const size_t pixels = (size_t)width * height * MB_BYTES_PER_PIXEL;
	struct mb_frame frame = right_frame(&both.filter, 7);
	const unsigned char *seen = NULL;

	fill_from_id(mb_frame_begin(&both.filter), pixels, 7);
	mb_frame_commit(&both.filter, &frame);
	EXPECT_EQUAL(mb_frame_peek(&both.sidecar, &frame, &seen), 1);
	EXPECT(is_filled_from_id(seen, pixels, 7));
	EXPECT_EQUAL(fallocate(both.filter.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	                     (off_t)both.filter.header.bytes),
	        0);
	/* The pixels that are being read become zeros, */
	for (size_t i = 0; i < pixels; i++)
		EXPECT_EQUAL(seen[i], 0);
	/* the slot that was announced is none, */
	EXPECT_EQUAL(mb_frames_waiting(&both.sidecar), 0);
	atomic_store(&frames_ring(&both.filter)->head, 1);
	EXPECT_EQUAL(mb_frame_peek(&both.sidecar, &frame, &seen), -EPROTO);
	/* and the writer's next one still has its place. */
	unsigned char *coefficients = mb_matte_begin(&both.sidecar);
	EXPECT(coefficients != NULL);
	memset(coefficients, 1, mb_matte_bytes(&both.sidecar, 8));
	both_sides_close(&both);
}

/* Shared with the child, so that a case does not end before it has begun. */
static volatile int *started;

/* Writes garbage over `bytes` from `offset` on, for ever. */
struct scribble {
	struct mb_memory *memory;
	size_t offset;
	size_t bytes;
};

static void scribble_for_ever(void *with)
{
	const struct scribble *where = with;
	unsigned int random = 12345;

	*started = 1;
	for (;;) {
		volatile unsigned char *at = where->memory->base + where->offset + next_random(&random) % where->bytes;
		*at = (unsigned char)next_random(&random);
	}
}

/* Starts a child that writes beside us, and waits until it does. */
static int start_beside(void (*run)(void *), void *with)
{
	started = mmap(NULL, sizeof(*started), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT(started != MAP_FAILED);
	const int child = start_child(run, with);
	while (!*started)
		usleep(50);
	return child;
}

static void does_not_care_for_a_header_that_is_rewritten(void)
{
	struct both_sides both = both_sides_open(width, height);
	const size_t pixels = (size_t)width * height * MB_BYTES_PER_PIXEL;
	struct scribble where = {&both.filter, 0, sizeof(struct mb_header)};
	const int child = start_beside(scribble_for_ever, &where);

	for (uint64_t id = 1; id <= 20000; id++) {
		struct mb_frame frame = right_frame(&both.filter, id);
		struct mb_matte matte = right_matte(&both.sidecar, id, 8);
		const unsigned char *seen;

		fill_from_id(mb_frame_begin(&both.filter), pixels, id);
		mb_frame_commit(&both.filter, &frame);
		EXPECT_EQUAL(mb_frame_peek(&both.sidecar, &frame, &seen), 1);
		EXPECT(seen ==
		        both.sidecar.base + 4096 + 4096 + (id - 1) % MB_SLOTS * both.sidecar.header.frame_stride + 64);
		EXPECT(is_filled_from_id(seen, pixels, id));
		mb_frame_pop(&both.sidecar);
		EXPECT(mb_matte_begin(&both.sidecar) != NULL);
		mb_matte_commit(&both.sidecar, &matte);
		EXPECT_EQUAL(mb_matte_peek(&both.filter, &matte, &seen), 1);
		mb_matte_pop(&both.filter);
	}
	kill_child(child);
	both_sides_close(&both);
}

/* Makes the frame in the first slot right and wrong in turn, for ever. */
static void change_its_mind_for_ever(void *with)
{
	const struct mb_memory *memory = with;
	struct mb_frame *frame = (struct mb_frame *)(void *)(memory->base + memory->header.frames + MB_ALIGN);
	volatile uint32_t *reason = &frame->reason;

	*started = 1;
	for (;;) {
		*reason = MB_RESET_SCENE;
		*reason = MB_RESET_REASONS;
	}
}

/* What was checked is what is given: a field that is loaded twice is right once and wrong once. */
static void gives_only_what_it_checked(void)
{
	struct both_sides both = both_sides_open(width, height);
	const struct mb_frame right = right_frame(&both.filter, 1);
	unsigned int given = 0;
	unsigned int refused = 0;

	EXPECT(mb_frame_begin(&both.filter) != NULL);
	mb_frame_commit(&both.filter, &right);
	const int child = start_beside(change_its_mind_for_ever, &both.filter);
	/* Both must be seen often, even where the two share one processor for a while. */
	while (given < 100000 || refused < 100000) {
		struct mb_frame frame;
		const unsigned char *seen;

		if (mb_frame_peek(&both.sidecar, &frame, &seen) != 1) {
			refused++;
			continue;
		}
		given++;
		EXPECT_EQUAL(frame.reason == MB_RESET_SCENE || frame.reason == MB_RESET_FIRST, 1);
	}
	kill_child(child);
	both_sides_close(&both);
}

static void reads_nowhere_else_under_garbage(void)
{
	struct both_sides both = both_sides_open(16, 16);
	struct scribble where = {&both.filter, 0, (size_t)both.filter.header.bytes};
	const unsigned char *end = both.sidecar.base + both.sidecar.header.bytes;
	const int child = start_beside(scribble_for_ever, &where);
	const uint64_t end_ns = mb_now_ns() + 10u * 1000000000u;
	unsigned int refused = 0;

	/* On a busy machine the other process may begin late. */
	for (int i = 0; i < 200000 || (refused == 0 && mb_now_ns() < end_ns); i++) {
		struct mb_frame frame;
		const unsigned char *seen;
		const int result = mb_frame_peek(&both.sidecar, &frame, &seen);

		EXPECT(result == 1 || result == 0 || result == -EPROTO);
		refused += result == -EPROTO;
		if (result == 1) {
			EXPECT(seen > both.sidecar.base && seen + 16 * 16 * 4 <= end);
			mb_frame_pop(&both.sidecar);
		}
		unsigned char *coefficients = mb_matte_begin(&both.sidecar);
		if (coefficients) {
			const struct mb_matte matte = right_matte(&both.sidecar, 1, 8);
			EXPECT(coefficients + mb_matte_bytes(&both.sidecar, 8) <= end);
			memset(coefficients, i, mb_matte_bytes(&both.sidecar, 8));
			mb_matte_commit(&both.sidecar, &matte);
		}
	}
	EXPECT(refused > 0);
	kill_child(child);
	both_sides_close(&both);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	        {"makes memory that the other side adopts, and leaves nothing behind", makes_what_it_adopts},
	        {"refuses a pipe, a socket, a device, a folder, a file", refuses_what_is_no_memory},
	        {"refuses a number that is no descriptor", refuses_a_descriptor_that_is_none},
	        {"refuses memory that lacks any of its seals, or may not be written for a seal", refuses_other_seals},
	        {"adopts memory that has seals beyond its own", adopts_seals_that_it_does_not_know},
	        {"refuses memory that was opened for reading or writing only", refuses_what_may_not_be_written},
	        {"refuses huge pages", refuses_huge_pages},
	        {"refuses memory that is shorter or longer than its header says", refuses_another_size},
	        {"refuses a header with any byte changed", refuses_every_other_header},
	        {"can be neither shrunk nor grown; what can is never mapped", cannot_be_shrunk},
	        {"reads zeros where its peer punched a hole", reads_zeros_where_it_was_punched},
	        {"does not care for a header that is rewritten under it", does_not_care_for_a_header_that_is_rewritten},
	        {"gives only what it checked of a slot that is rewritten under it", gives_only_what_it_checked},
	        {"reads and writes nowhere else while its peer writes garbage everywhere",
	                reads_nowhere_else_under_garbage},
	};
	return RUN_CASES(argc, argv, cases);
}
