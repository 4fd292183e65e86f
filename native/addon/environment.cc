#include "environment.h"

#include "socket.h"

void Environment::Init(Napi::Env env)
{
	auto *environment = new Environment(env);
	env.SetInstanceData<Environment>(environment);
	napi_add_async_cleanup_hook(env, Leave, environment, &environment->hook_);
}

Environment &Environment::Of(Napi::Env env)
{
	return *env.GetInstanceData<Environment>();
}

Environment::Environment(Napi::Env env) : env_(env)
{
}

uv_loop_s *Environment::Loop() const
{
	uv_loop_s *loop = nullptr;
	napi_get_uv_event_loop(env_, &loop);
	return loop;
}

void Environment::Call(const Napi::FunctionReference &function, std::initializer_list<napi_value> arguments)
{
	if (leaving_)
		return;
	Napi::Env env(env_);
	/* The C function rather than node-addon-api's: it also ends quietly in a worker that is being terminated. */
	const napi_status status = napi_make_callback(
	        env_, nullptr, env.Global(), function.Value(), arguments.size(), arguments.begin(), nullptr);
	bool thrown = false;
	if (status != napi_pending_exception || napi_is_exception_pending(env_, &thrown) != napi_ok || !thrown)
		return;
	napi_value error;
	if (napi_get_and_clear_last_exception(env_, &error) == napi_ok)
		napi_fatal_exception(env_, error);
}

void Environment::Add(Socket *socket)
{
	sockets_.insert(socket);
}

void Environment::Remove(Socket *socket)
{
	sockets_.erase(socket);
}

void Environment::Leave(napi_async_cleanup_hook_handle, void *data)
{
	auto *environment = static_cast<Environment *>(data);
	environment->leaving_ = true;
	for (Socket *socket : environment->sockets_)
		socket->Close();
	environment->LeaveIfReady();
}

void Environment::LeaveIfReady()
{
	if (leaving_ && sockets_.empty())
		napi_remove_async_cleanup_hook(hook_);
}
