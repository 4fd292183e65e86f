/* native/addon/server.h - class ChannelServer: listens, and hands out accepted sockets as channels. */
#ifndef MB_ADDON_SERVER_H
#define MB_ADDON_SERVER_H

#include <napi.h>

#include "socket.h"

/* new ChannelServer(path, { accepted(channel), refused(code), failed(code), closed() })
 *   resume()  accepts again after `failed`
 *   close()   may be called twice; channels stay open */
class ChannelServer final : public Napi::ObjectWrap<ChannelServer>, SocketOwner {
      public:
	static Napi::Function Define(Napi::Env env);
	explicit ChannelServer(const Napi::CallbackInfo &info);
	~ChannelServer();

      private:
	Napi::Value Resume(const Napi::CallbackInfo &info);
	Napi::Value Close(const Napi::CallbackInfo &info);

	void OnReadable() override;
	void OnClosed() override;
	bool Accept(int fd);
	void Fail(Napi::Value code);

	Socket *socket_ = nullptr; /* NULL: not listening, or no longer */
	Napi::FunctionReference accepted_;
	Napi::FunctionReference refused_;
	Napi::FunctionReference failed_;
	Napi::FunctionReference closed_;
};

#endif
