/* test/native/addon/filter-peer.c - a filter without OBS: obeys commands on standard input, a line each, and answers
 * each with a line. filter-peer.ts speaks it and says what the commands mean. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../native/channel/channel.h"

static int connection = -1;
static struct mb_memory memory; /* frames go there */
static struct mb_memory next;   /* made, not yet used */
static struct mb_message message;
static unsigned char *scratch; /* as large as a slot can be */

static void fail_if(int result)
{
	if (result < 0)
		printf("error %s\n", strerrorname_np(-result));
	else
		printf("ok\n");
}

static void leave(void)
{
	if (connection >= 0)
		close(connection);
	connection = -1;
	mb_memory_close(&memory);
	mb_memory_close(&next);
	memory = next = MB_MEMORY_NONE;
}

static uint64_t fnv1a(const unsigned char *bytes, size_t count)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
}

/* filter-peer.ts has the same. */
static void paint(unsigned char *pixels, size_t count, uint64_t id)
{
	for (size_t i = 0; i < count; i++)
		pixels[i] = (unsigned char)(id * 31 + i * 7 + (i >> 8));
}

static size_t frame_bytes(void)
{
	return (size_t)memory.header.width * memory.header.height * MB_BYTES_PER_PIXEL;
}

static int write_frame(uint64_t id, uint32_t epoch, uint32_t reason, const unsigned char *pixels)
{
	unsigned char *slot = memory.fd < 0 ? NULL : mb_frame_begin(&memory);

	if (!slot)
		return 0;
	if (pixels)
		memcpy(slot, pixels, frame_bytes());
	else
		paint(slot, frame_bytes(), id);
	const struct mb_frame frame = {.id = id,
	        .timestamp_ns = mb_now_ns(),
	        .epoch = epoch,
	        .reason = reason,
	        .width = memory.header.width,
	        .height = memory.header.height,
	        .source_width = 1920,
	        .source_height = 1080};
	mb_frame_commit(&memory, &frame);
	return 1;
}

/* Waits for a message that is no doorbell. Returns as mb_receive. */
static int next_message(int timeout_ms)
{
	const uint64_t end = mb_now_ns() + (uint64_t)timeout_ms * 1000000u;

	for (;;) {
		const int got = mb_receive(connection, &message);
		if (got < 0 || (got == 1 && message.type != MB_DOORBELL))
			return got;
		const uint64_t now = mb_now_ns();
		if (got == 0 && (now >= end || mb_wait_readable(connection, (int)((end - now) / 1000000u) + 1) == 0))
			return 0;
	}
}

/* Waits for a matte; leaves other messages unread only if none comes. Returns as mb_matte_peek, or a negative errno. */
static int next_matte(struct mb_matte *matte, const unsigned char **texels, int timeout_ms)
{
	const uint64_t end = mb_now_ns() + (uint64_t)timeout_ms * 1000000u;

	for (;;) {
		const int got = mb_matte_peek(&memory, matte, texels);
		if (got != 0)
			return got;
		const uint64_t now = mb_now_ns();
		if (now >= end || mb_wait_readable(connection, (int)((end - now) / 1000000u) + 1) == 0)
			return 0;
		const int received = mb_receive(connection, &message);
		if (received < 0)
			return received;
	}
}

/* Descriptors of this process, and its mappings. */
static int count_entries(const char *folder)
{
	DIR *dir = opendir(folder);
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static int count_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	int count = 0;

	for (int c; file && (c = fgetc(file)) != EOF;)
		count += c == '\n';
	if (file)
		fclose(file);
	return count;
}

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (file && fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Sends `count` descriptors with one message. */
static int send_descriptors(uint8_t type, const char *text, int count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 64)];
	} control = {0};
	int fds[64];
	struct iovec parts[2] = {{&type, 1}, {(void *)(uintptr_t)text, strlen(text)}};
	struct msghdr packet = {.msg_iov = parts,
	        .msg_iovlen = 2,
	        .msg_control = control.bytes,
	        .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&packet);

	for (int i = 0; i < count; i++)
		fds[i] = memory.fd;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
	memcpy(CMSG_DATA(header), fds, sizeof(int) * (size_t)count);
	return sendmsg(connection, &packet, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The whole life of a connection. */
static int live_once(const char *path, uint32_t width, uint32_t height, const char *hello)
{
	struct mb_matte matte;
	const unsigned char *texels;
	int result;

	do
		connection = mb_connect(path);
	while (connection == -EAGAIN);
	if (connection < 0)
		return connection;
	result = mb_memory_create(&memory, width, height);
	if (result == 0)
		result = mb_send(connection, MB_HELLO, hello, strlen(hello), memory.fd);
	if (result == 0 && (next_message(2000) != 1 || message.type != MB_WELCOME))
		result = -EPROTO;
	if (result == 0 && !write_frame(1, 1, MB_RESET_FIRST, NULL))
		result = -ENOBUFS;
	if (result == 0)
		result = mb_ring_doorbell(connection);
	if (result == 0 && next_matte(&matte, &texels, 2000) != 1)
		result = -ETIMEDOUT;
	leave();
	return result;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t one = *(const uint64_t *)a;
	const uint64_t other = *(const uint64_t *)b;

	return one < other ? -1 : one > other;
}

/* Round trips one after the other: a frame copied in, its matte copied out; what each took, in ns, into `times`. */
static int round_trips(uint64_t first_id, size_t count, uint64_t *times)
{
	unsigned char *pixels = malloc(frame_bytes());
	struct mb_matte matte;
	const unsigned char *texels;
	int result = 0;

	paint(pixels, frame_bytes(), 1);
	for (size_t i = 0; i < count && result == 0; i++) {
		const uint64_t start = mb_now_ns();
		if (!write_frame(first_id + i, 1, MB_RESET_FIRST, pixels))
			result = -ENOBUFS;
		else
			result = mb_ring_doorbell(connection);
		if (result == 0) {
			const int got = next_matte(&matte, &texels, 2000);
			result = got == 0 ? -ETIMEDOUT : got < 0 ? got : 0;
		}
		if (result == 0) {
			memcpy(scratch, texels, mb_matte_bytes(&memory, matte.planes));
			mb_matte_pop(&memory);
		}
		times[i] = mb_now_ns() - start;
	}
	free(pixels);
	return result;
}

static int bench(size_t count)
{
	uint64_t *times = calloc(count, sizeof(*times));

	const uint64_t begin = mb_now_ns();
	const int result = round_trips(1, count, times);
	const double seconds = (double)(mb_now_ns() - begin) / 1e9;
	if (result == 0) {
		qsort(times, count, sizeof(*times), by_size);
		printf("bench %.0f %.4f %.4f %.4f\n", (double)count / seconds, (double)times[count / 2] / 1e6,
		        (double)times[count * 99 / 100] / 1e6, (double)times[count - 1] / 1e6);
	}
	free(times);
	return result;
}

/* As bench, and says what each took, in ms. */
static int rounds(uint64_t first_id, size_t count)
{
	uint64_t *times = calloc(count, sizeof(*times));

	const int result = round_trips(first_id, count, times);
	if (result == 0) {
		printf("rounds");
		for (size_t i = 0; i < count; i++)
			printf(" %.4f", (double)times[i] / 1e6);
		printf("\n");
	}
	free(times);
	return result;
}

#define FILMED_MAX 100000u

/* A camera: a frame each `interval_ms`, whatever is answered, as the filter does. Says how many were sent, found no
 * slot, were answered; median, 99th percentile and greatest time from a frame to its matte; the longest time without a
 * matte after the first. */
static int film(size_t count, double interval_ms, uint64_t first_id)
{
	uint64_t *sent_at = calloc(count, sizeof(*sent_at));
	uint64_t *times = calloc(count, sizeof(*times));
	size_t sent = 0, full = 0, answered = 0;
	uint64_t last = 0, gap = 0;
	struct mb_matte matte;
	const unsigned char *texels;
	int result = 0;

	const uint64_t begin = mb_now_ns();
	for (size_t i = 0; i < count && result == 0; i++) {
		const uint64_t next_at = begin + (uint64_t)((double)(i + 1) * interval_ms * 1e6);
		sent_at[i] = mb_now_ns();
		if (write_frame(first_id + i, 1, MB_RESET_FIRST, NULL))
			sent++;
		else
			full++;
		result = mb_ring_doorbell(connection);
		for (;;) {
			const uint64_t now = mb_now_ns();
			if (now >= next_at || result < 0)
				break;
			const int got = next_matte(&matte, &texels, (int)((next_at - now) / 1000000u) + 1);
			if (got < 0)
				result = got;
			if (got != 1)
				continue;
			const uint64_t at = mb_now_ns();
			memcpy(scratch, texels, mb_matte_bytes(&memory, matte.planes));
			mb_matte_pop(&memory);
			times[answered++] = at - sent_at[matte.frame_id - first_id];
			if (last && at - last > gap)
				gap = at - last;
			last = at;
		}
	}
	if (result == 0) {
		qsort(times, answered, sizeof(*times), by_size);
		const double p50 = answered ? (double)times[answered / 2] / 1e6 : 0;
		const double p99 = answered ? (double)times[answered * 99 / 100] / 1e6 : 0;
		const double most = answered ? (double)times[answered - 1] / 1e6 : 0;
		printf("film %zu %zu %zu %.3f %.3f %.3f %.3f\n", sent, full, answered, p50, p99, most,
		        (double)gap / 1e6);
	}
	free(sent_at);
	free(times);
	return result;
}

/* `line` without its word; the word ends with a NUL. */
static char *cut_word(char *line)
{
	char *rest = line + strcspn(line, " ");

	if (*rest)
		*rest++ = '\0';
	return rest;
}

static void say_matte(int timeout_ms)
{
	struct mb_matte matte;
	const unsigned char *texels;
	const int got = next_matte(&matte, &texels, timeout_ms);

	if (got < 0)
		fail_if(got);
	else if (got == 0)
		printf("timeout\n");
	else {
		printf("matte %llu %u %u %u %u %u %016llx\n", (unsigned long long)matte.frame_id, matte.epoch,
		        matte.planes, matte.width, matte.height, matte.reason,
		        (unsigned long long)fnv1a(texels, mb_matte_bytes(&memory, matte.planes)));
		mb_matte_pop(&memory);
	}
}

static void say_message(int timeout_ms)
{
	const int got = next_message(timeout_ms);

	if (got < 0)
		fail_if(got);
	else if (got == 0)
		printf("timeout\n");
	else
		printf("message %u %s\n", message.type, message.body);
}

static void obey(char *command)
{
	char *rest = cut_word(command);
	char *end;

	if (strcmp(command, "connect") == 0) {
		connection = mb_connect(rest);
		fail_if(connection);
	} else if (strcmp(command, "memory") == 0) { /* W H */
		const uint32_t width = (uint32_t)strtoul(rest, &end, 10);
		mb_memory_close(&next);
		fail_if(mb_memory_create(&next, width, (uint32_t)strtoul(end, NULL, 10)));
	} else if (strcmp(command, "use") == 0) {
		mb_memory_close(&memory);
		memory = next;
		next = MB_MEMORY_NONE;
		fail_if(0);
	} else if (strcmp(command, "patch") == 0) { /* OFFSET VALUE: of the next memory's header */
		const unsigned long offset = strtoul(rest, &end, 10);
		const uint32_t value = (uint32_t)strtoul(end, NULL, 10);
		memcpy(next.base + offset, &value, sizeof(value));
		fail_if(0);
	} else if (strcmp(command, "send") == 0 ||
	           strcmp(command, "offer") == 0) { /* TYPE TEXT; offer: next memory too */
		const uint8_t type = (uint8_t)strtoul(rest, &end, 10);
		const char *text = *end ? end + 1 : end;
		fail_if(mb_send(connection, type, text, strlen(text), command[0] == 'o' ? next.fd : -1));
	} else if (strcmp(command, "descriptors") == 0) { /* COUNT TYPE TEXT */
		const int count = (int)strtol(rest, &end, 10);
		const uint8_t type = (uint8_t)strtoul(end, &end, 10);
		fail_if(send_descriptors(type, *end ? end + 1 : end, count));
	} else if (strcmp(command, "raw") == 0) { /* COUNT BYTE: as one packet */
		const size_t count = strtoul(rest, &end, 10);
		memset(scratch, (int)strtol(end, NULL, 10), count);
		fail_if(send(connection, scratch, count, MSG_NOSIGNAL) < 0 ? -errno : 0);
	} else if (strcmp(command, "frame") == 0) { /* ID EPOCH REASON */
		const uint64_t id = strtoull(rest, &end, 10);
		const uint32_t epoch = (uint32_t)strtoul(end, &end, 10);
		printf(write_frame(id, epoch, (uint32_t)strtoul(end, NULL, 10), NULL) ? "ok\n" : "full\n");
	} else if (strcmp(command, "index") == 0) { /* VALUE: of the ring of frames' head */
		const uint32_t value = (uint32_t)strtoul(rest, NULL, 10);
		memcpy(memory.base + memory.header.frames, &value, sizeof(value));
		fail_if(0);
	} else if (strcmp(command, "tail") == 0) { /* VALUE: of the ring of mattes' tail */
		const uint32_t value = (uint32_t)strtoul(rest, NULL, 10);
		memcpy(memory.base + memory.header.mattes + offsetof(struct mb_ring, tail), &value, sizeof(value));
		fail_if(0);
	} else if (strcmp(command, "bell") == 0) {
		fail_if(mb_ring_doorbell(connection));
	} else if (strcmp(command, "matte") == 0) { /* TIMEOUT_MS */
		say_matte(atoi(rest));
	} else if (strcmp(command, "message") == 0) { /* TIMEOUT_MS */
		say_message(atoi(rest));
	} else if (strcmp(command, "live") == 0) { /* TIMES W H PATH HELLO */
		const unsigned long times = strtoul(rest, &end, 10);
		const uint32_t width = (uint32_t)strtoul(end, &end, 10);
		const uint32_t height = (uint32_t)strtoul(end, &end, 10);
		char *path = end + 1;
		const char *hello = cut_word(path);
		int result = 0;
		for (unsigned long i = 0; i < times && result == 0; i++)
			result = live_once(path, width, height, hello);
		fail_if(result);
	} else if (strcmp(command, "bench") == 0) { /* COUNT */
		const int result = bench(strtoul(rest, NULL, 10));
		if (result < 0)
			fail_if(result);
	} else if (strcmp(command, "rounds") == 0) { /* FIRST_ID COUNT */
		const uint64_t first_id = strtoull(rest, &end, 10);
		const int result = rounds(first_id, strtoul(end, NULL, 10));
		if (result < 0)
			fail_if(result);
	} else if (strcmp(command, "film") == 0) { /* COUNT INTERVAL_MS FIRST_ID */
		const size_t count = strtoul(rest, &end, 10);
		const double interval_ms = strtod(end, &end);
		const uint64_t first_id = strtoull(end, NULL, 10);
		const int result = count > FILMED_MAX ? -EINVAL : film(count, interval_ms, first_id);
		if (result < 0)
			fail_if(result);
	} else if (strcmp(command, "figures") == 0) {
		printf("figures %d %d %ld\n", count_entries("/proc/self/fd"), count_lines("/proc/self/maps"),
		        resident_kib());
	} else if (strcmp(command, "leave") == 0) {
		leave();
		fail_if(0);
	} else {
		printf("unknown command %s\n", command);
	}
}

int main(void)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;

	memory = next = MB_MEMORY_NONE;
	scratch = malloc((size_t)MB_SIDE_MAX * MB_SIDE_MAX * MB_PLANES_MAX * 2);
	if (!scratch)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((length = getline(&line, &capacity, stdin)) > 0) {
		line[length - 1] = '\0';
		obey(line);
	}
	leave();
	free(line);
	free(scratch);
	return 0;
}
