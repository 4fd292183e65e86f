#include "server.h"

#include <cerrno>
#include <string>

#include "channel.h"
#include "errors.h"

/* Connections taken in one turn of the loop, so that a flood leaves time for the channels. */
constexpr int kAcceptedPerTurn = 16;

Napi::Function ChannelServer::Define(Napi::Env env)
{
	return DefineClass(env, "ChannelServer",
	        {
	                InstanceMethod<&ChannelServer::Resume>("resume"),
	                InstanceMethod<&ChannelServer::Close>("close"),
	        });
}

ChannelServer::ChannelServer(const Napi::CallbackInfo &info) : Napi::ObjectWrap<ChannelServer>(info)
{
	Napi::Env env = info.Env();
	if (info.Length() < 2 || !info[0].IsString() || !info[1].IsObject()) {
		ThrowMisuse(env, "ChannelServer wants a path and handlers");
		return;
	}
	Napi::Object handlers = info[1].As<Napi::Object>();
	accepted_ = Napi::Persistent(handlers.Get("accepted").As<Napi::Function>());
	refused_ = Napi::Persistent(handlers.Get("refused").As<Napi::Function>());
	failed_ = Napi::Persistent(handlers.Get("failed").As<Napi::Function>());
	closed_ = Napi::Persistent(handlers.Get("closed").As<Napi::Function>());

	const std::string path = info[0].As<Napi::String>();
	const int fd = mb_listen(path.c_str());
	if (fd < 0) {
		ThrowErrno(env, fd, "listen");
		return;
	}
	int result = Socket::Open(Environment::Of(env), fd, this, &socket_);
	if (result == 0)
		result = socket_->Start();
	if (result < 0) {
		ThrowErrno(env, result, "watch the socket");
		return;
	}
	Ref(); /* until OnClosed */
}

ChannelServer::~ChannelServer()
{
	if (socket_)
		socket_->Abandon();
}

Napi::Value ChannelServer::Resume(const Napi::CallbackInfo &info)
{
	if (socket_)
		socket_->Start();
	return info.Env().Undefined();
}

Napi::Value ChannelServer::Close(const Napi::CallbackInfo &info)
{
	if (socket_)
		socket_->Close();
	return info.Env().Undefined();
}

void ChannelServer::OnReadable()
{
	Napi::Env env = Env();
	Napi::HandleScope scope(env);
	for (int i = 0; i < kAcceptedPerTurn && socket_ && !socket_->IsClosing(); i++) {
		const int fd = mb_accept(socket_->Fd());
		if (fd == -EAGAIN)
			return;
		if (fd >= 0) {
			if (!Accept(fd))
				return;
		} else if (fd == -EPERM) {
			Environment::Of(env).Call(refused_, {Napi::String::New(env, ErrnoName(fd))});
		} else if (fd != -ECONNABORTED && fd != -EINTR) {
			/* No descriptor is free, say: the connection still waits, and the loop would spin. */
			Fail(Napi::String::New(env, ErrnoName(fd)));
			return;
		}
	}
}

/* Accepts nothing until `resume`. */
void ChannelServer::Fail(Napi::Value code)
{
	socket_->Stop();
	Environment::Of(Env()).Call(failed_, {code});
}

/* False where no channel could be made of it: it is closed, and others would fare the same. */
bool ChannelServer::Accept(int fd)
{
	Napi::Env env = Env();
	Napi::Value channel = Channel::Create(env, fd);
	if (!channel.IsEmpty()) {
		Environment::Of(env).Call(accepted_, {channel});
		return true;
	}
	/* Here nobody of JavaScript's is above, who could catch it. */
	const Napi::Error error = env.GetAndClearPendingException();
	if (!error.IsEmpty())
		Fail(error.Get("code"));
	return false;
}

void ChannelServer::OnClosed()
{
	Napi::Env env = Env();
	Napi::HandleScope scope(env);
	socket_ = nullptr;
	Environment::Of(env).Call(closed_, {});
	/* The handlers know the server: held from here, both would stay for ever. */
	for (Napi::FunctionReference *handler : {&accepted_, &refused_, &failed_, &closed_})
		handler->Reset();
	Unref();
}
