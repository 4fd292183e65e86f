/* test/native/addon/hooks.cc - lets a test's sidecar break the rules that the
 * addon keeps: compiled into a second addon, with MB_TEST_HOOKS
 * (test/fake-sidecar/hooked-addon.ts). */
#include <cstring>

#include <sys/socket.h>

#include "../../../native/addon/channel.h"

/* hookMatte({frameId, epoch, planes, width, height, reason}, texels): publishes
 * a matte as it is given, whatever frame it claims to be of. False where the
 * ring is full. */
Napi::Value Channel::HookMatte(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	const Napi::Object fields = info[0].As<Napi::Object>();
	const auto texels = info[1].As<Napi::Uint8Array>();
	unsigned char *slot = IsOpen() ? mb_matte_begin(&memory_) : nullptr;
	if (!slot)
		return Napi::Boolean::New(env, false);

	const auto field = [&fields](const char *name) { return fields.Get(name).As<Napi::Number>().DoubleValue(); };
	mb_matte matte{};
	matte.frame_id = static_cast<uint64_t>(field("frameId"));
	matte.epoch = static_cast<uint32_t>(field("epoch"));
	matte.planes = static_cast<uint32_t>(field("planes"));
	matte.width = static_cast<uint32_t>(field("width"));
	matte.height = static_cast<uint32_t>(field("height"));
	matte.reason = static_cast<uint32_t>(field("reason"));
	matte.taken_ns = matte.answered_ns = mb_now_ns();
	const size_t room = memory_.header.matte_stride - MB_SLOT_DATA;
	std::memcpy(slot, texels.Data(), texels.ByteLength() < room ? texels.ByteLength() : room);
	mb_matte_commit(&memory_, &matte);
	mb_ring_doorbell(socket_->Fd());
	return Napi::Boolean::New(env, true);
}

/* hookSend(bytes): puts bytes on the socket, as one message. */
Napi::Value Channel::HookSend(const Napi::CallbackInfo &info)
{
	const auto bytes = info[0].As<Napi::Uint8Array>();
	const bool sent =
	        IsOpen() && send(socket_->Fd(), bytes.Data(), bytes.ByteLength(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	return Napi::Boolean::New(info.Env(), sent);
}

/* hookIndexes(): sets the indexes that this side writes to values that cannot
 * be. */
Napi::Value Channel::HookIndexes(const Napi::CallbackInfo &info)
{
	if (IsOpen() && memory_.fd >= 0) {
		const uint32_t wild = 0x7fffffff;
		std::memcpy(memory_.base + memory_.header.mattes, &wild, sizeof(wild));      /* head */
		std::memcpy(memory_.base + memory_.header.frames + 64, &wild, sizeof(wild)); /* tail */
		mb_ring_doorbell(socket_->Fd());
	}
	return info.Env().Undefined();
}

/* hookReading(on): reads the socket, or no longer. */
Napi::Value Channel::HookReading(const Napi::CallbackInfo &info)
{
	if (IsOpen() && info[0].ToBoolean())
		socket_->Start();
	else if (IsOpen())
		socket_->Stop();
	return info.Env().Undefined();
}
