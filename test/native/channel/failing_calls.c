/* Each system call that the channel makes fails in turn, by a seccomp filter: the error comes back as it is, and no
 * descriptor and no name is left behind.
 *
 * Red when any close or unlinkat is left out on a way out of platform_linux.c or memory.c. */
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channel.h"
#include "expect.h"
#include "scratch_folder.h"

static char *path;    /* of the socket */
static int listening; /* on it, where the case needs a listener */
static int offered;   /* memory as a filter makes it */

/* What is done while a call fails; returns as the function it calls. */

static int create(void)
{
	struct mb_memory memory;
	const int result = mb_memory_create(&memory, 32, 32);

	EXPECT_EQUAL(memory.fd, -1);
	return result;
}

static int adopt(void)
{
	struct mb_memory memory;
	const char *why = NULL;
	const int result = mb_memory_adopt(&memory, offered, &why);

	EXPECT_EQUAL(memory.fd, -1);
	EXPECT(why != NULL);
	return result;
}

static int listen_there(void)
{
	return mb_listen(path);
}

static int accept_one(void)
{
	return mb_accept(listening);
}

static int connect_there(void)
{
	return mb_connect(path);
}

struct failure {
	int (*run)(void);
	int call;
	uint32_t with_flag; /* only where the fourth argument has it; 0: always */
	int error;
	int result;
};

/* Fails a system call of this process from here on. False where the kernel offers no filters. */
static bool fail_call(const struct failure *failure)
{
	struct sock_filter steps[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)failure->call, 0, 3),
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3])),
	        BPF_JUMP(BPF_JMP | (failure->with_flag ? BPF_JSET : BPF_JGE) | BPF_K, failure->with_flag, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)failure->error),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(steps) / sizeof(steps[0]), steps};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* A descriptor that is left open has taken this one, the lowest: looking them up would need calls that fail here. */
static int lowest_free(void)
{
	const int fd = dup(0);

	EXPECT(fd >= 0);
	close(fd);
	return fd;
}

static void fail_once(void *with)
{
	const struct failure *failure = with;

	/* The memory is the callee's; all else stays as it is. */
	const int before = failure->run == adopt ? offered : lowest_free();
	if (!fail_call(failure))
		return;
	EXPECT_EQUAL(failure->run(), failure->result);
	EXPECT_EQUAL(lowest_free(), before);
}

static void fail_each(const struct failure *failures, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect_child(start_child(fail_once, (void *)(uintptr_t)&failures[i]));
}
#define FAIL_EACH(failures) fail_each(failures, sizeof(failures) / sizeof((failures)[0]))

static void leaves_no_memory(void)
{
	static const struct failure failures[] = {
	        {create, SYS_memfd_create, 0, EMFILE, -EMFILE},
	        {create, SYS_ftruncate, 0, ENOSPC, -ENOSPC},
	        {create, SYS_fcntl, 0, EPERM, -EPERM},
	        {create, SYS_mmap, MAP_SHARED, ENOMEM, -ENOMEM},
	};
	FAIL_EACH(failures);
}

static void leaves_no_memory_of_the_peer(void)
{
	static const struct failure failures[] = {
	        {adopt, SYS_fcntl, 0, EINVAL, -EPROTO},
	        {adopt, SYS_fstatfs, 0, EIO, -EIO},
	        {adopt, SYS_pread64, 0, EIO, -EIO},
	        {adopt, SYS_pread64, 0, EBADF, -EPROTO},
	        {adopt, SYS_mmap, MAP_SHARED, ENOMEM, -ENOMEM},
	        {adopt, SYS_mmap, MAP_SHARED, EACCES, -EPROTO},
	};
	struct mb_memory memory;

	EXPECT_EQUAL(mb_memory_create(&memory, 32, 32), 0);
	offered = lowest_free();
	EXPECT_EQUAL(dup(memory.fd), offered);
	FAIL_EACH(failures);
	close(offered);
	mb_memory_close(&memory);
}

static void leaves_no_listener(void)
{
	static const struct failure failures[] = {
	        {listen_there, SYS_openat, 0, EMFILE, -EMFILE},
	        {listen_there, SYS_socket, 0, ENFILE, -ENFILE},
	        {listen_there, SYS_fchmod, 0, EPERM, -EPERM},
	        {listen_there, SYS_bind, 0, EROFS, -EROFS},
	        {listen_there, SYS_listen, 0, EADDRINUSE, -EADDRINUSE},
	        {listen_there, SYS_renameat, 0, EXDEV, -EXDEV},
	};
	path = scratch_path("channel.sock");
	FAIL_EACH(failures);
	/* Nor a name. */
	DIR *folder = opendir(scratch_folder());
	const struct dirent *entry;
	while ((entry = readdir(folder)))
		EXPECT(strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
	closedir(folder);
	free(path);
}

static void leaves_no_connection(void)
{
	static const struct failure connects[] = {
	        {connect_there, SYS_socket, 0, EMFILE, -EMFILE},
	        {connect_there, SYS_connect, 0, EACCES, -EACCES},
	        {connect_there, SYS_getsockopt, 0, ENOBUFS, -ENOBUFS},
	};
	static const struct failure accepts[] = {
	        {accept_one, SYS_accept4, 0, EMFILE, -EMFILE},
	        {accept_one, SYS_getsockopt, 0, ENOBUFS, -ENOBUFS},
	};
	path = scratch_path("channel.sock");
	listening = mb_listen(path);
	EXPECT(listening >= 0);
	FAIL_EACH(connects);
	const int filter = mb_connect(path);
	EXPECT(filter >= 0);
	FAIL_EACH(accepts);
	close(filter);
	close(listening);
	free(path);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	        {"leaves no memory behind that it could not finish", leaves_no_memory},
	        {"leaves nothing of a memory that it could not take over", leaves_no_memory_of_the_peer},
	        {"leaves no listener behind, and no name", leaves_no_listener},
	        {"leaves no connection behind, on either side", leaves_no_connection},
	};
	return RUN_CASES(argc, argv, cases);
}
