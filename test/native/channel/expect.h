/* test/native/channel/expect.h - what the channel's test programs share: one program a subject, one process a case.
 *
 *   program --list     prints the titles of its cases
 *   program 'title'    runs that case
 *   program            runs all
 *
 * A case that fails says where and ends the process with 1; one that hangs is ended by an alarm. */
#ifndef MB_TEST_EXPECT_H
#define MB_TEST_EXPECT_H

#include <stddef.h>

struct test_case {
	const char *title;
	void (*run)(void);
};

int run_cases(int argc, char **argv, const struct test_case *cases, size_t count);
#define RUN_CASES(argc, argv, cases) run_cases(argc, argv, cases, sizeof(cases) / sizeof((cases)[0]))

/* In a forked child they end the child: the parent expects it with expect_child. */
void expect_true(int holds, const char *what, const char *file, int line);
void expect_equal(long long found, long long wanted, const char *what, const char *file, int line);
#define EXPECT(condition) expect_true(!!(condition), #condition, __FILE__, __LINE__)
#define EXPECT_EQUAL(found, wanted) expect_equal((long long)(found), (long long)(wanted), #found, __FILE__, __LINE__)

/* Forks; the child runs `run(with)`, then ends with 0 and without the parent's exit handlers. Returns its id. */
int start_child(void (*run)(void *), void *with);
/* Waits for a child that must end with 0. */
void expect_child(int child);
/* Ends and reaps a child, whatever it does. */
void kill_child(int child);

/* A sequence that is the same in every run. */
unsigned int next_random(unsigned int *state);

#endif
