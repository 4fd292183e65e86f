#include "socket.h"

#include <unistd.h>

static uv_poll_s *AsPoll(char *handle)
{
	return reinterpret_cast<uv_poll_s *>(handle);
}

static uv_handle_s *AsHandle(void *handle)
{
	return static_cast<uv_handle_s *>(handle);
}

Socket::Socket(Environment &environment, int fd, SocketOwner *owner)
    : environment_(environment), owner_(owner), fd_(fd), handle_(new char[uv_handle_size(kUvPoll)])
{
}

Socket::~Socket()
{
	delete[] handle_;
	close(fd_);
}

int Socket::Open(Environment &environment, int fd, SocketOwner *owner, Socket **out)
{
	auto *socket = new Socket(environment, fd, owner);
	const int result = uv_poll_init(environment.Loop(), AsPoll(socket->handle_), fd);
	if (result < 0) {
		delete socket;
		return result;
	}
	uv_handle_set_data(AsHandle(socket->handle_), socket);
	environment.Add(socket);
	*out = socket;
	return 0;
}

int Socket::Start()
{
	/* libuv aborts the process for a handle that is being closed. */
	if (closing_)
		return 0;
	return uv_poll_start(AsPoll(handle_), kUvReadable, [](uv_poll_s *poll, int status, int) {
		auto *socket = static_cast<Socket *>(uv_handle_get_data(reinterpret_cast<const uv_handle_s *>(poll)));
		/* An error of the descriptor shows at the next read of it, but libuv has stopped the watch for it, and
		 * the owner need not read all at once. */
		if (status < 0)
			socket->Start();
		if (socket->owner_)
			socket->owner_->OnReadable();
	});
}

void Socket::Stop()
{
	if (!closing_)
		uv_poll_stop(AsPoll(handle_));
}

void Socket::Close()
{
	if (closing_)
		return;
	closing_ = true;
	uv_close(AsHandle(handle_), [](uv_handle_s *handle) {
		auto *socket = static_cast<Socket *>(uv_handle_get_data(handle));
		SocketOwner *owner = socket->owner_;
		Environment &environment = socket->environment_;
		environment.Remove(socket);
		delete socket;
		if (owner)
			owner->OnClosed();
		environment.LeaveIfReady();
	});
}

void Socket::Abandon()
{
	owner_ = nullptr;
	Close();
}
