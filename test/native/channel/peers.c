#include "peers.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "both_sides.h"
#include "expect.h"

enum { width = 64, height = 48, planes = 8 };

static int last_step;
static unsigned int passes_left;
static struct mb_message message;

void die_at(int step, unsigned int pass)
{
	last_step = step;
	passes_left = pass;
}

void die_after_us(unsigned int microseconds)
{
	struct sigevent by_kill = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	struct itimerspec then = {.it_value = {0, (long)microseconds * 1000 + 1}};
	timer_t timer;

	EXPECT_EQUAL(timer_create(CLOCK_MONOTONIC, &by_kill, &timer), 0);
	EXPECT_EQUAL(timer_settime(timer, 0, &then, NULL), 0);
}

static void reach(int step)
{
	if (step == last_step && --passes_left == 0)
		kill(getpid(), SIGKILL);
}

/* Waits for a message of that type, through doorbells. Returns 0 or a negative errno. */
static int expect_message(int socket, uint8_t type, int *fd)
{
	for (;;) {
		int result = mb_wait_readable(socket, MB_HANDSHAKE_MS);
		if (result > 0)
			result = mb_receive(socket, &message);
		else if (result == 0)
			result = -ETIMEDOUT;
		if (result < 0)
			return result;
		if (result == 0 || message.type == MB_DOORBELL)
			continue;
		*fd = message.fd;
		if (message.type == type)
			return 0;
		if (message.fd >= 0)
			close(message.fd);
		return -EPROTO;
	}
}

/* Waits for a doorbell, and takes all that came. Returns 0 or a negative errno. */
static int hear_doorbells(int socket)
{
	int result = mb_wait_readable(socket, 1000);

	if (result == 0)
		return -ETIMEDOUT;
	while (result > 0)
		result = mb_receive(socket, &message);
	return result;
}

/* --- filter ------------------------------------------------------------------------------------------------------ */

static int write_frame(struct mb_memory *memory, int socket, uint64_t id)
{
	const size_t half = (size_t)width * height * MB_BYTES_PER_PIXEL / 2;
	const struct mb_frame frame = right_frame(memory, id);
	unsigned char *pixels = mb_frame_begin(memory);

	if (!pixels)
		return -EPROTO;
	memset(pixels, (int)(id % 251), half);
	reach(FILTER_IS_WRITING);
	memset(pixels + half, (int)(id % 251), half);
	mb_frame_commit(memory, &frame);
	reach(FILTER_COMMITTED);
	const int result = mb_ring_doorbell(socket);
	reach(FILTER_RANG);
	return result;
}

/* Returns how many mattes it took, or a negative errno. */
static int read_mattes(struct mb_memory *memory, uint64_t *answered)
{
	struct mb_matte matte;
	const unsigned char *coefficients;
	int result;

	while ((result = mb_matte_peek(memory, &matte, &coefficients)) == 1) {
		const size_t bytes = mb_matte_bytes(memory, planes);
		reach(FILTER_IS_READING);
		EXPECT_EQUAL(matte.frame_id, ++*answered);
		for (size_t i = 0; i < bytes; i++)
			EXPECT_EQUAL(coefficients[i], matte.frame_id % 251);
		mb_matte_pop(memory);
		reach(FILTER_POPPED);
	}
	return result;
}

static int have_matted(int socket, struct mb_memory *memory, unsigned int frames)
{
	uint64_t answered = 0;
	int fd = -1;

	int result = mb_send(socket, MB_HELLO, "{}", 2, memory->fd);
	if (result != 0)
		return result;
	reach(FILTER_SAID_HELLO);
	result = expect_message(socket, MB_WELCOME, &fd);
	if (result != 0)
		return result;
	reach(FILTER_WAS_WELCOMED);
	for (uint64_t id = 1; id <= frames; id++) {
		result = write_frame(memory, socket, id);
		while (result == 0 && answered < id) {
			result = hear_doorbells(socket);
			/* What was answered before the sidecar died is good still. */
			const int read = read_mattes(memory, &answered);
			result = result != 0 ? result : read;
		}
		if (result != 0)
			return result;
	}
	return 0;
}

int live_as_filter(const char *path, unsigned int frames)
{
	struct mb_memory memory;

	reach(FILTER_STARTED);
	const int socket = mb_connect(path);
	if (socket < 0)
		return socket;
	reach(FILTER_CONNECTED);
	int result = mb_memory_create(&memory, width, height);
	if (result == 0) {
		reach(FILTER_MADE_MEMORY);
		result = have_matted(socket, &memory, frames);
	}
	mb_memory_close(&memory);
	close(socket);
	return result;
}

/* --- sidecar ----------------------------------------------------------------------------------------------------- */

static int answer_frames(struct mb_memory *memory, int socket, int *answered)
{
	struct mb_frame frame;
	const unsigned char *pixels;
	int result;

	while ((result = mb_frame_peek(memory, &frame, &pixels)) == 1) {
		const struct mb_matte matte = right_matte(memory, frame.id, planes);
		const size_t half = mb_matte_bytes(memory, planes) / 2;

		reach(SIDECAR_IS_READING);
		for (size_t i = 0; i < (size_t)width * height * MB_BYTES_PER_PIXEL; i++)
			EXPECT_EQUAL(pixels[i], frame.id % 251);
		mb_frame_pop(memory);
		reach(SIDECAR_POPPED);
		unsigned char *coefficients = mb_matte_begin(memory);
		if (!coefficients)
			return -EPROTO;
		memset(coefficients, (int)(frame.id % 251), half);
		reach(SIDECAR_IS_WRITING);
		memset(coefficients + half, (int)(frame.id % 251), half);
		mb_matte_commit(memory, &matte);
		reach(SIDECAR_COMMITTED);
		const int rang = mb_ring_doorbell(socket);
		reach(SIDECAR_RANG);
		if (rang != 0)
			return rang;
		(*answered)++;
	}
	return result;
}

static int serve(int socket)
{
	struct mb_memory memory;
	const char *why;
	int answered = 0;
	int fd = -1;

	int result = expect_message(socket, MB_HELLO, &fd);
	if (result != 0)
		return result;
	if (fd < 0)
		return -EPROTO;
	reach(SIDECAR_HEARD_HELLO);
	result = mb_memory_adopt(&memory, fd, &why);
	if (result != 0)
		return result;
	reach(SIDECAR_ADOPTED);
	result = mb_send(socket, MB_WELCOME, "{}", 2, -1);
	reach(SIDECAR_WELCOMED);
	while (result == 0) {
		result = hear_doorbells(socket);
		const int read = answer_frames(&memory, socket, &answered);
		result = result != 0 ? result : read;
	}
	mb_memory_close(&memory);
	return result == -EPIPE ? answered : result;
}

int live_as_sidecar(int listener)
{
	reach(SIDECAR_LISTENS);
	const int ready = mb_wait_readable(listener, 1000);
	if (ready <= 0)
		return ready < 0 ? ready : -ETIMEDOUT;
	const int socket = mb_accept(listener);
	if (socket < 0)
		return socket;
	reach(SIDECAR_ACCEPTED);
	const int result = serve(socket);
	close(socket);
	return result;
}
