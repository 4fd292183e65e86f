/* native/addon/socket.h - a descriptor that the loop watches. */
#ifndef MB_ADDON_SOCKET_H
#define MB_ADDON_SOCKET_H

#include "environment.h"

/* Who has a socket. Both are called from the loop. */
class SocketOwner {
      public:
	virtual void OnReadable() = 0;
	/* Once, after Socket::Close; the socket is gone. */
	virtual void OnClosed() = 0;

      protected:
	~SocketOwner() = default;
};

/* Lives from Open until the loop has let go of it: the owner may be gone by then. */
class Socket {
      public:
	/* Takes `fd` over, also on failure. Returns 0, or a negative errno with `*out` untouched. Starts stopped. */
	static int Open(Environment &environment, int fd, SocketOwner *owner, Socket **out);

	/* Both do nothing once it is closing. */
	int Start();
	void Stop();
	/* May be called twice. The descriptor is closed after the loop has let go of it, never before. */
	void Close();
	/* The owner is gone: it hears nothing more. */
	void Abandon();

	bool IsClosing() const
	{
		return closing_;
	}
	int Fd() const
	{
		return fd_;
	}

      private:
	Socket(Environment &environment, int fd, SocketOwner *owner);
	~Socket();

	Environment &environment_;
	SocketOwner *owner_;
	int fd_;
	bool closing_ = false;
	char *handle_; /* a uv_poll_t: only libuv knows its size */
};

#endif
