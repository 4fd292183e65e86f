/* Red when the path's length is not checked, when the old socket is unlinked before the new one is bound, when the
 * peer's user is not asked for, or when a file that is no socket is replaced. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "channel.h"
#include "expect.h"
#include "footprint.h"
#include "scratch_folder.h"

enum { longest = 107 };

/* A path of exactly `length` bytes in the scratch folder. */
static char *path_of_length(size_t length)
{
	char *path = scratch_path("");
	const size_t have = strlen(path);

	path = realloc(path, length + 1);
	memset(path + have, 's', length - have);
	path[length] = '\0';
	return path;
}

static void finds_its_path(void)
{
	char path[200];
	char small[20];
	char *exact = path_of_length(longest);
	char *over = path_of_length(longest + 1);

	setenv("HOME", "/home/someone", 1);
	unsetenv("MATTEBOX_SOCKET");
	EXPECT_EQUAL(mb_socket_path(path, sizeof(path)), 48);
	EXPECT_EQUAL(strcmp(path, "/home/someone/.local/state/mattebox/channel.sock"), 0);
	EXPECT_EQUAL(mb_socket_path(path, 49), 48);
	EXPECT_EQUAL(mb_socket_path(path, 48), -ENAMETOOLONG);
	EXPECT_EQUAL(mb_socket_path(small, sizeof(small)), -ENAMETOOLONG);

	setenv("MATTEBOX_SOCKET", "/run/elsewhere.sock", 1);
	EXPECT_EQUAL(mb_socket_path(path, sizeof(path)), 19);
	EXPECT_EQUAL(strcmp(path, "/run/elsewhere.sock"), 0);
	/* Set to nothing is not set. */
	setenv("MATTEBOX_SOCKET", "", 1);
	EXPECT_EQUAL(mb_socket_path(path, sizeof(path)), 48);
	setenv("MATTEBOX_SOCKET", exact, 1);
	EXPECT_EQUAL(mb_socket_path(path, sizeof(path)), longest);
	setenv("MATTEBOX_SOCKET", over, 1);
	EXPECT_EQUAL(mb_socket_path(path, sizeof(path)), -ENAMETOOLONG);

	unsetenv("MATTEBOX_SOCKET");
	unsetenv("HOME");
	EXPECT_EQUAL(mb_socket_path(path, sizeof(path)), -ENOENT);
	setenv("HOME", "", 1);
	EXPECT_EQUAL(mb_socket_path(path, sizeof(path)), -ENOENT);
	setenv("HOME", over, 1);
	EXPECT_EQUAL(mb_socket_path(path, sizeof(path)), -ENAMETOOLONG);
	setenv("MATTEBOX_SOCKET", "/run/elsewhere.sock", 1);
	EXPECT_EQUAL(mb_socket_path(path, sizeof(path)), 19);
	free(exact);
	free(over);
}

static void expect_connects(const char *path, int listener)
{
	const int filter = mb_connect(path);
	EXPECT(filter >= 0);
	const int sidecar = mb_accept(listener);
	EXPECT(sidecar >= 0);
	static struct mb_message message;

	EXPECT(fcntl(filter, F_GETFD) & FD_CLOEXEC && fcntl(filter, F_GETFL) & O_NONBLOCK);
	EXPECT(fcntl(sidecar, F_GETFD) & FD_CLOEXEC && fcntl(sidecar, F_GETFL) & O_NONBLOCK);
	EXPECT_EQUAL(mb_send(filter, MB_HELLO, "{}", 2, -1), 0);
	EXPECT_EQUAL(mb_receive(sidecar, &message), 1);
	EXPECT_EQUAL(message.type, MB_HELLO);
	close(filter);
	close(sidecar);
}

static void listens_at_paths_of_every_length(void)
{
	const struct footprint before = footprint_now();

	for (size_t length = strlen(scratch_folder()) + 2; length <= longest; length++) {
		char *path = path_of_length(length);
		const int listener = mb_listen(path);
		EXPECT(listener >= 0);
		EXPECT(fcntl(listener, F_GETFD) & FD_CLOEXEC && fcntl(listener, F_GETFL) & O_NONBLOCK);
		EXPECT_EQUAL(mb_accept(listener), -EAGAIN);
		expect_connects(path, listener);
		close(listener);
		EXPECT_EQUAL(mb_connect(path), -ECONNREFUSED);
		unlink(path);
		EXPECT_EQUAL(mb_connect(path), -ENOENT);
		free(path);
	}
	char *over = path_of_length(longest + 1);
	EXPECT_EQUAL(mb_listen(over), -ENAMETOOLONG);
	EXPECT_EQUAL(mb_connect(over), -ENAMETOOLONG);
	EXPECT_EQUAL(mb_listen(""), -ENOENT);
	EXPECT_EQUAL(mb_connect(""), -ENOENT);
	free(over);
	expect_footprint(before);
}

static mode_t mode_of(const char *name)
{
	char *path = scratch_path(name);
	struct stat file;

	EXPECT_EQUAL(lstat(path, &file), 0);
	free(path);
	return file.st_mode & 07777;
}

static void makes_folders_where_missing(void)
{
	char *there = scratch_path("there");
	char *path = scratch_path("there/missing/too/channel.sock");

	umask(0);
	EXPECT_EQUAL(mkdir(there, 0755), 0);
	const int listener = mb_listen(path);
	EXPECT(listener >= 0);
	expect_connects(path, listener);
	EXPECT_EQUAL(mode_of("there"), 0755);
	EXPECT_EQUAL(mode_of("there/missing"), 0700);
	EXPECT_EQUAL(mode_of("there/missing/too"), 0700);
	EXPECT_EQUAL(mode_of("there/missing/too/channel.sock"), 0600);
	close(listener);

	/* Without a folder it is here. */
	EXPECT_EQUAL(chdir(there), 0);
	const int here = mb_listen("here.sock");
	EXPECT(here >= 0);
	expect_connects("here.sock", here);
	close(here);
	free(there);
	free(path);
}

static void says_why_it_cannot_listen(void)
{
	const struct footprint before = footprint_now();
	char *file = scratch_path("file");
	char *under = scratch_path("file/channel.sock");
	char *folder = scratch_path("folder");
	char *inside = scratch_path("folder/");
	char *symlinked = scratch_path("link");
	char *forbidden = scratch_path("folder/no/channel.sock");
	struct stat before_it;
	struct stat after_it;

	const int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	EXPECT_EQUAL(write(fd, "precious", 8), 8);
	close(fd);
	EXPECT_EQUAL(mkdir(folder, 0700), 0);
	EXPECT_EQUAL(symlink(file, symlinked), 0);
	EXPECT_EQUAL(stat(file, &before_it), 0);
	EXPECT_EQUAL(mb_listen(file), -EEXIST);
	EXPECT_EQUAL(mb_listen(symlinked), -EEXIST);
	EXPECT_EQUAL(mb_listen(folder), -EEXIST);
	EXPECT_EQUAL(mb_listen(under), -ENOTDIR);
	EXPECT_EQUAL(mb_listen(inside), -EISDIR);
	EXPECT_EQUAL(mb_connect(file), -ECONNREFUSED);
	EXPECT_EQUAL(stat(file, &after_it), 0);
	EXPECT_EQUAL(after_it.st_ino, before_it.st_ino);
	EXPECT_EQUAL(after_it.st_size, 8);
	if (geteuid() != 0) {
		EXPECT_EQUAL(chmod(folder, 0500), 0);
		EXPECT_EQUAL(mb_listen(forbidden), -EACCES);
		EXPECT_EQUAL(chmod(folder, 0700), 0);
	}
	free(file);
	free(under);
	free(folder);
	free(inside);
	free(symlinked);
	free(forbidden);
	expect_footprint(before);
}

static void connects_without_waiting(void)
{
	const struct footprint before = footprint_now();
	char *path = scratch_path("channel.sock");
	const int listener = mb_listen(path);
	int waiting[1024];
	int count = 0;

	/* Nobody accepts. */
	const uint64_t begin_ns = mb_now_ns();
	while ((waiting[count] = mb_connect(path)) >= 0)
		EXPECT(++count < 1024);
	EXPECT_EQUAL(waiting[count], -EAGAIN);
	EXPECT(mb_now_ns() - begin_ns < 5000000000u);
	EXPECT(count >= 64);
	/* Nor does it close those that wait: they are heard once it does. */
	for (int i = 0; i < count; i++) {
		const int accepted = mb_accept(listener);
		EXPECT(accepted >= 0);
		close(accepted);
		close(waiting[i]);
	}
	EXPECT_EQUAL(mb_accept(listener), -EAGAIN);
	close(listener);

	/* A socket of another kind. */
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	unlink(path);
	const int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, path);
	EXPECT_EQUAL(bind(stream, (struct sockaddr *)&address, sizeof(address)), 0);
	EXPECT_EQUAL(listen(stream, 1), 0);
	EXPECT_EQUAL(mb_connect(path), -EPROTOTYPE);
	close(stream);
	free(path);
	expect_footprint(before);
}

static void connect_until_told(void *with)
{
	const char *path = ((char **)with)[0];
	const char *stop = ((char **)with)[1];
	int connected = 0;

	while (access(stop, F_OK) != 0) {
		const int fd = mb_connect(path);
		/* The queue of one that is about to be replaced may be full; it is never absent. */
		EXPECT(fd >= 0 || fd == -EAGAIN);
		if (fd >= 0) {
			close(fd);
			connected++;
		}
	}
	EXPECT(connected > 100);
}

static void replaces_a_live_socket_at_once(void)
{
	char *paths[] = {scratch_path("channel.sock"), scratch_path("stop")};
	int old = mb_listen(paths[0]);
	const int child = start_child(connect_until_told, paths);
	const uint64_t begin_ns = mb_now_ns();
	int replaced = 0;

	while (replaced < 1000 || mb_now_ns() - begin_ns < 300000000u) {
		const int new = mb_listen(paths[0]);
		EXPECT(new >= 0);
		/* The old one goes on until nobody can be on the way to it, as a sidecar that says bye does. */
		usleep(100);
		for (int side = 0; side < 2; side++) {
			int accepted;
			while ((accepted = mb_accept(side == 0 ? old : new)) >= 0)
				close(accepted);
		}
		if (replaced % 8 == 7)
			usleep(500);
		static int older = -1;
		if (older >= 0)
			close(older);
		older = old;
		old = new;
		replaced++;
	}
	close(open(paths[1], O_WRONLY | O_CREAT, 0600));
	int status_loop = 0;
	while (status_loop++ < 100) {
		int accepted;
		while ((accepted = mb_accept(old)) >= 0)
			close(accepted);
		usleep(1000);
	}
	expect_child(child);

	/* No name is left beside it. */
	DIR *folder = opendir(scratch_folder());
	struct dirent *entry;
	int entries = 0;
	while ((entry = readdir(folder)))
		entries += strncmp(entry->d_name, ".mattebox", 9) == 0;
	closedir(folder);
	EXPECT_EQUAL(entries, 0);
	close(old);
	free(paths[0]);
	free(paths[1]);
}

enum { nobody = 65534 };

static void connect_as_nobody(void *with)
{
	EXPECT_EQUAL(setgid(nobody), 0);
	EXPECT_EQUAL(setuid(nobody), 0);
	/* The connection stands, made by us; the listener is root's. */
	EXPECT_EQUAL(mb_connect(with), -EPERM);
}

static void connect_raw_as_nobody(void *with)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char byte;

	EXPECT_EQUAL(setgid(nobody), 0);
	EXPECT_EQUAL(setuid(nobody), 0);
	strcpy(address.sun_path, with);
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	EXPECT_EQUAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	/* Hung up on. */
	EXPECT(recv(fd, &byte, 1, 0) <= 0);
}

static void refuses_another_user(void)
{
	const struct footprint before = footprint_now();
	char *path = scratch_path("channel.sock");

	if (geteuid() != 0) /* who cannot become another user */
		return;
	const int listener = mb_listen(path);
	EXPECT_EQUAL(chmod(scratch_folder(), 0755), 0);
	EXPECT_EQUAL(chmod(path, 0666), 0);

	/* The filter refuses a sidecar of another user, */
	expect_child(start_child(connect_as_nobody, path));
	EXPECT_EQUAL(mb_wait_readable(listener, 5000), 1);
	EXPECT_EQUAL(mb_accept(listener), -EPERM);
	/* and the sidecar a filter. */
	const int child = start_child(connect_raw_as_nobody, path);
	EXPECT_EQUAL(mb_wait_readable(listener, 5000), 1);
	EXPECT_EQUAL(mb_accept(listener), -EPERM);
	expect_child(child);
	/* Its own is still welcome. */
	expect_connects(path, listener);
	close(listener);
	free(path);
	expect_footprint(before);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
	        {"finds its path in MATTEBOX_SOCKET, else under HOME, within 107 bytes", finds_its_path},
	        {"listens and connects at paths of every length up to 107", listens_at_paths_of_every_length},
	        {"makes folders 0700 where missing, and leaves those that are there", makes_folders_where_missing},
	        {"says why it cannot listen, and replaces nothing but a socket", says_why_it_cannot_listen},
	        {"connects without waiting, whether anybody accepts or not", connects_without_waiting},
	        {"replaces a live socket: who connects meanwhile always finds one", replaces_a_live_socket_at_once},
	        {"refuses another user, on both sides", refuses_another_user},
	};
	return RUN_CASES(argc, argv, cases);
}
