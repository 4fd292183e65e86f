#include "expect.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Longer than any case takes under a sanitizer on a busy machine. */
#define CASE_SECONDS 120

static void fail(const char *file, int line)
{
	const char *name = strrchr(file, '/');
	fprintf(stderr, "  at %s:%d\n", name ? name + 1 : file, line);
	/* By way of the exit handlers, which take the scratch folder away. */
	exit(1);
}

void expect_true(int holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	fprintf(stderr, "expected: %s\n", what);
	fail(file, line);
}

void expect_equal(long long found, long long wanted, const char *what, const char *file, int line)
{
	if (found == wanted)
		return;
	fprintf(stderr, "%s: found %lld, wanted %lld\n", what, found, wanted);
	fail(file, line);
}

int run_cases(int argc, char **argv, const struct test_case *cases, size_t count)
{
	size_t ran = 0;

	for (size_t i = 0; i < count; i++) {
		if (argc > 1 && strcmp(argv[1], "--list") == 0) {
			puts(cases[i].title);
			ran++;
		} else if (argc < 2 || strcmp(argv[1], cases[i].title) == 0) {
			alarm(CASE_SECONDS);
			cases[i].run();
			ran++;
		}
	}
	if (ran == 0)
		fprintf(stderr, "no such case: %s\n", argv[1]);
	return ran == 0;
}

int start_child(void (*run)(void *), void *with)
{
	fflush(NULL);
	const pid_t child = fork();
	EXPECT(child >= 0);
	if (child > 0)
		return child;
	/* No child outlives a test that failed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(CASE_SECONDS);
	run(with);
	_exit(0);
}

void expect_child(int child)
{
	int status = 0;

	EXPECT_EQUAL(waitpid(child, &status, 0), child);
	EXPECT_EQUAL(status, 0);
}

void kill_child(int child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

unsigned int next_random(unsigned int *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}
