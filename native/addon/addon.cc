/* native/addon/addon.cc - what the addon exports: ChannelServer, and wire.h's numbers for the TypeScript side to hold
 * its own against. */
#include <cerrno>

#if defined(__linux__)
#include <csignal>
#include <sys/prctl.h>
#endif

#include "channel.h"
#include "errors.h"
#include "server.h"

struct Named {
	const char *name;
	uint32_t value;
};

static constexpr Named kLimits[] = {
        {"wireVersion", MB_WIRE_VERSION},
        {"messageMax", MB_MESSAGE_MAX},
        {"handshakeMs", MB_HANDSHAKE_MS},
        {"slots", MB_SLOTS},
        {"sideMin", MB_SIDE_MIN},
        {"sideMax", MB_SIDE_MAX},
        {"sideMultiple", MB_SIDE_MULTIPLE},
        {"planesMax", MB_PLANES_MAX},
};

static constexpr Named kMessages[] = {
        {"doorbell", MB_DOORBELL},
        {"hello", MB_HELLO},
        {"memory", MB_MEMORY},
        {"settings", MB_SETTINGS},
        {"renamed", MB_RENAMED},
        {"scene", MB_SCENE},
        {"reset", MB_RESET},
        {"stats", MB_STATS},
        {"welcome", MB_WELCOME},
        {"refused", MB_REFUSED},
        {"ready", MB_READY},
        {"set", MB_SET},
        {"cover", MB_COVER},
        {"bye", MB_BYE},
};

static constexpr Named kReasons[] = {
        {"none", MB_RESET_NONE},
        {"first", MB_RESET_FIRST},
        {"asked", MB_RESET_ASKED},
        {"scene", MB_RESET_SCENE},
        {"source", MB_RESET_SOURCE},
        {"size", MB_RESET_SIZE},
        {"gap", MB_RESET_GAP},
        {"cut", MB_RESET_CUT},
        {"restart", MB_RESET_RESTART},
        {"error", MB_RESET_ERROR},
};

template <size_t count> static Napi::Object Numbers(Napi::Env env, const Named (&numbers)[count])
{
	Napi::Object object = Napi::Object::New(env);
	for (const Named &number : numbers)
		object.Set(number.name, number.value);
	return object;
}

/* Where the sidecar listens unless it is told otherwise. */
static Napi::Value SocketPath(const Napi::CallbackInfo &info)
{
	char path[4096];
	const int length = mb_socket_path(path, sizeof(path));
	if (length >= 0)
		return Napi::String::New(info.Env(), path, static_cast<size_t>(length));
	ThrowErrno(info.Env(), length, "find the channel's socket");
	return info.Env().Undefined();
}

/* A thread that is blocked in a driver hears of nothing: the kernel ends it with its parent. */
static Napi::Value EndWithParent(const Napi::CallbackInfo &info)
{
#if defined(__linux__)
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		ThrowErrno(info.Env(), -errno, "tie this process to its parent");
#endif
	return info.Env().Undefined();
}

static Napi::Object Init(Napi::Env env, Napi::Object exports)
{
	Environment::Init(env);
	Environment::Of(env).channel = Napi::Persistent(Channel::Define(env));
	exports.Set("ChannelServer", ChannelServer::Define(env));
	exports.Set("socketPath", Napi::Function::New<SocketPath>(env));
	exports.Set("endWithParent", Napi::Function::New<EndWithParent>(env));
	exports.Set("limits", Numbers(env, kLimits));
	exports.Set("messages", Numbers(env, kMessages));
	exports.Set("reasons", Numbers(env, kReasons));
	return exports;
}

NODE_API_MODULE(mattebox, Init)
