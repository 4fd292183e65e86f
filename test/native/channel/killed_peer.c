/* One side is killed, at each step and at random moments; the other carries on, with the next peer too.
 *
 * Red when mb_memory_close does not unmap, when mb_memory_adopt keeps a refused descriptor, or when a peer's end is not
 * noticed (-EPIPE taken for -EAGAIN in mb_receive). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "expect.h"
#include "footprint.h"
#include "peers.h"
#include "scratch_folder.h"

struct victim {
	const char *path;
	int step;
	unsigned int pass;
	unsigned int after_us;
	unsigned int frames;
};

static void arm(const struct victim *victim)
{
	if (victim->step)
		die_at(victim->step, victim->pass);
	if (victim->after_us)
		die_after_us(victim->after_us);
}

static void be_filter(void *with)
{
	const struct victim *victim = with;

	arm(victim);
	EXPECT_EQUAL(live_as_filter(victim->path, victim->frames), 0);
}

static void be_sidecar(void *with)
{
	const struct victim *victim = with;
	const int listener = mb_listen(victim->path);

	EXPECT(listener >= 0);
	arm(victim);
	EXPECT(live_as_sidecar(listener) >= 0);
}

static void expect_killed(int child)
{
	int status = 0;

	EXPECT_EQUAL(waitpid(child, &status, 0), child);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Waits for a child that was killed, unless it was done before. */
static bool was_killed(int child)
{
	int status = 0;

	EXPECT_EQUAL(waitpid(child, &status, 0), child);
	EXPECT(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	return status != 0;
}

static bool has_ended(int child)
{
	siginfo_t end = {0};

	EXPECT_EQUAL(waitid(P_PID, (id_t)child, &end, WEXITED | WNOHANG | WNOWAIT), 0);
	return end.si_pid == child;
}

/* Starts a sidecar and waits until it listens, or is dead already. */
static int start_sidecar(struct victim *victim)
{
	/* What the last one left would be taken for this one's. */
	unlink(victim->path);
	const int child = start_child(be_sidecar, victim);
	while (access(victim->path, F_OK) != 0 && !has_ended(child))
		usleep(50);
	return child;
}

static void serve_whole_filter(int listener, const char *path)
{
	struct victim healthy = {.path = path, .frames = 5};
	const int child = start_child(be_filter, &healthy);

	EXPECT_EQUAL(live_as_sidecar(listener), 5);
	expect_child(child);
}

static void sidecar_outlives_filter_at_each_step(void)
{
	char *path = scratch_path("channel.sock");
	const int listener = mb_listen(path);
	const struct footprint before = footprint_now();

	for (int step = FILTER_STARTED; step < FILTER_STEPS; step++) {
		for (unsigned int pass = 1; pass <= (step < FILTER_IS_WRITING ? 1u : 7u); pass += 3) {
			struct victim victim = {.path = path, .step = step, .pass = pass, .frames = 20};
			const int child = start_child(be_filter, &victim);
			if (step != FILTER_STARTED) {
				const int answered = live_as_sidecar(listener);
				EXPECT(answered == -EPIPE || answered >= 0);
				EXPECT(answered <= (int)pass);
			}
			expect_killed(child);
			serve_whole_filter(listener, path);
			expect_footprint(before);
		}
	}
	close(listener);
	free(path);
}

static void sidecar_outlives_filter_at_random(void)
{
	enum { rounds = 500 };
	char *path = scratch_path("channel.sock");
	const int listener = mb_listen(path);
	const struct footprint before = footprint_now();
	unsigned int random = 2463534242u;
	int killed = 0;

	for (int round = 0; round < rounds; round++) {
		struct victim victim = {.path = path, .frames = 100000, .after_us = 200 + next_random(&random) % 3000};
		const int child = start_child(be_filter, &victim);
		/* It may have died before it connected. */
		while (mb_wait_readable(listener, 1) == 0 && !has_ended(child))
			;
		if (mb_wait_readable(listener, 0) == 1) {
			const int answered = live_as_sidecar(listener);
			EXPECT(answered == -EPIPE || answered >= 0);
		}
		killed += was_killed(child);
		expect_footprint(before);
	}
	EXPECT_EQUAL(killed, rounds);
	serve_whole_filter(listener, path);
	expect_footprint(before);
	close(listener);
	free(path);
}

static void live_with_whole_sidecar(const char *path)
{
	struct victim healthy = {.path = path};
	const int child = start_sidecar(&healthy);

	EXPECT_EQUAL(live_as_filter(path, 5), 0);
	expect_child(child);
}

static void filter_outlives_sidecar_at_each_step(void)
{
	char *path = scratch_path("channel.sock");
	const struct footprint before = footprint_now();

	for (int step = SIDECAR_LISTENS; step < SIDECAR_STEPS; step++) {
		for (unsigned int pass = 1; pass <= (step < SIDECAR_IS_READING ? 1u : 7u); pass += 3) {
			struct victim victim = {.path = path, .step = step, .pass = pass};
			const int child = start_sidecar(&victim);
			const int result = live_as_filter(path, 20);
			/* One that dies at once may never be met. */
			EXPECT(result == -EPIPE || (step == SIDECAR_LISTENS && result == -ECONNREFUSED));
			expect_killed(child);
			live_with_whole_sidecar(path);
			expect_footprint(before);
		}
	}
	free(path);
}

static void filter_outlives_sidecar_at_random(void)
{
	enum { rounds = 500 };
	char *path = scratch_path("channel.sock");
	const struct footprint before = footprint_now();
	unsigned int random = 88172645u;

	for (int round = 0; round < rounds; round++) {
		struct victim victim = {.path = path, .after_us = 500 + next_random(&random) % 3000};
		const int child = start_sidecar(&victim);
		const int result = live_as_filter(path, 100000);
		EXPECT(result == -EPIPE || result == -ECONNREFUSED || result == -ENOENT);
		EXPECT(was_killed(child));
		expect_footprint(before);
	}
	live_with_whole_sidecar(path);
	expect_footprint(before);
	free(path);
}

static void stays_flat_over_a_thousand_connections(void)
{
	enum { rounds = 1000 };
	char *path = scratch_path("channel.sock");
	const int listener = mb_listen(path);
	const struct footprint before = footprint_now();

	for (int round = 0; round < rounds; round++) {
		struct victim filter = {.path = path, .frames = (unsigned int)round % 4};
		const int child = start_child(be_filter, &filter);
		EXPECT_EQUAL(live_as_sidecar(listener), round % 4);
		expect_child(child);
	}
	expect_footprint(before);
	close(listener);
	free(path);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	        {"the sidecar carries on when the filter is killed at any step", sidecar_outlives_filter_at_each_step},
	        {"the sidecar carries on when the filter is killed at random", sidecar_outlives_filter_at_random},
	        {"the filter carries on when the sidecar is killed at any step", filter_outlives_sidecar_at_each_step},
	        {"the filter carries on when the sidecar is killed at random", filter_outlives_sidecar_at_random},
	        {"descriptors and mappings stay flat over 1,000 connections", stays_flat_over_a_thousand_connections},
	};
	return RUN_CASES(argc, argv, cases);
}
