/* native/addon/channel.h - class Channel: the sidecar's end of one filter's channel.
 *
 * It moves frames, mattes and messages, and knows nothing of JSON, handshakes or policy: those are
 * src/sidecar/inference/channel's. */
#ifndef MB_ADDON_CHANNEL_H
#define MB_ADDON_CHANNEL_H

#include <napi.h>

#include "ledger.h"
#include "socket.h"

/* Made by ChannelServer only.
 *   handle({ frames(), message(type, text, hasMemory), closed(code, fault) })   again: to others; before it nothing is
 *                                read; `closed` comes once, `code` null: closed here
 *   adopt()                      maps the memory that came along last: {width, height}, or what is wrong with it
 *   takeFrame(buffer?)           the newest frame or null; older ones are dropped
 *   writeMatte(id, planes, reason)            'ok' or why it was dropped; planes: float32 [2 or 8, height, width]
 *   writeTexels(id, texels, planes, reason)   the same, for texels as in wire.h
 *   drop(id, reason)             no matte for this frame: 'unready' or 'error'
 *   send(type, text)             false: the peer does not read
 *   counters()                   {received, answered, dropped: {newer, ...}}
 *   close()                      may be called twice */
class Channel final : public Napi::ObjectWrap<Channel>, SocketOwner {
      public:
	static Napi::Function Define(Napi::Env env);
	/* Takes `fd` over. Empty, with an exception pending, on failure. */
	static Napi::Value Create(Napi::Env env, int fd);
	explicit Channel(const Napi::CallbackInfo &info);
	~Channel();

      private:
	Napi::Value Handle(const Napi::CallbackInfo &info);
	Napi::Value Adopt(const Napi::CallbackInfo &info);
	Napi::Value TakeFrame(const Napi::CallbackInfo &info);
	Napi::Value WriteMatte(const Napi::CallbackInfo &info);
	Napi::Value WriteTexels(const Napi::CallbackInfo &info);
	Napi::Value DropFrame(const Napi::CallbackInfo &info);
	Napi::Value Send(const Napi::CallbackInfo &info);
	Napi::Value Counters(const Napi::CallbackInfo &info);
	Napi::Value Close(const Napi::CallbackInfo &info);
#ifdef MB_TEST_HOOKS /* test/native/addon-hooks.cc: a sidecar that breaks the rules */
	Napi::Value HookMatte(const Napi::CallbackInfo &info);
	Napi::Value HookSend(const Napi::CallbackInfo &info);
	Napi::Value HookIndexes(const Napi::CallbackInfo &info);
	Napi::Value HookReading(const Napi::CallbackInfo &info);
#endif

	void OnReadable() override;
	void OnClosed() override;
	bool Receive(bool *rung);

	bool IsOpen() const
	{
		return socket_ && !socket_->IsClosing();
	}
	/* `code` 0: our own wish. The first call decides. */
	void End(int code, const char *fault);
	int Waiting(mb_memory *memory);
	void Promote();
	bool SkipToNewest();
	unsigned char *BeginMatte(
	        Napi::Env env, uint64_t id, size_t given, uint32_t planes, mb_matte *matte, Napi::Value *answer);
	Napi::Value CommitMatte(Napi::Env env, mb_matte *matte, uint32_t reason);
	static Napi::Value DropNamed(Napi::Env env, Drop reason);

	Socket *socket_ = nullptr;
	Napi::FunctionReference frames_;
	Napi::FunctionReference message_;
	Napi::FunctionReference closed_;

	mb_memory memory_;          /* in use */
	mb_memory next_;            /* in use from its first frame on */
	uint32_t memory_count_ = 1; /* which memory_ is */
	int offered_fd_ = -1;       /* came along, not yet adopted */
	uint64_t last_id_ = 0;
	Ledger ledger_;
	int end_code_ = 0;
	const char *end_fault_ = nullptr; /* a string constant */
};

#endif
