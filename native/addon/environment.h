/* native/addon/environment.h - what the addon keeps for each JavaScript environment (the main thread or a worker).
 *
 * Everything of one environment runs on its one thread. At its end all sockets are closed through the loop first, and
 * the environment waits for that: a loop with an open handle would abort the process. */
#ifndef MB_ADDON_ENVIRONMENT_H
#define MB_ADDON_ENVIRONMENT_H

#include <initializer_list>
#include <set>

#include <napi.h>

#include "channel-api.h"
#include "loop.h"

class Socket;

class Environment {
      public:
	/* Attaches one to `env`. */
	static void Init(Napi::Env env);
	static Environment &Of(Napi::Env env);

	/* Calls a function of the user's from the loop. What it throws is an uncaught exception of the program. Does
	 * nothing once the environment is ending. */
	void Call(const Napi::FunctionReference &function, std::initializer_list<napi_value> arguments);

	uv_loop_s *Loop() const;
	bool IsLeaving() const
	{
		return leaving_;
	}

	void Add(Socket *socket);
	void Remove(Socket *socket);
	/* After the last socket the environment, and this object, may be gone. */
	void LeaveIfReady();

	Napi::FunctionReference channel; /* class Channel's constructor */
	mb_message message;              /* the one being received; 64 KiB that nobody needs twice */

      private:
	explicit Environment(Napi::Env env);
	static void Leave(napi_async_cleanup_hook_handle handle, void *environment);

	napi_env env_;
	std::set<Socket *> sockets_; /* open, or closing */
	napi_async_cleanup_hook_handle hook_ = nullptr;
	bool leaving_ = false;
};

#endif
