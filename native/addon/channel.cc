#include "channel.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <unistd.h>

#include "errors.h"

/* Messages taken in one turn of the loop, so that a flood of one peer leaves time for the others. */
constexpr int kMessagesPerTurn = 64;
/* Ids are JavaScript numbers here. */
constexpr uint64_t kLargestId = (uint64_t{1} << 53) - 1;

static mb_memory NoMemory()
{
	mb_memory none{};
	none.fd = -1;
	return none;
}

Napi::Function Channel::Define(Napi::Env env)
{
	return DefineClass(env, "Channel",
	        {
	                InstanceMethod<&Channel::Handle>("handle"),
	                InstanceMethod<&Channel::Adopt>("adopt"),
	                InstanceMethod<&Channel::TakeFrame>("takeFrame"),
	                InstanceMethod<&Channel::WriteMatte>("writeMatte"),
	                InstanceMethod<&Channel::WriteTexels>("writeTexels"),
	                InstanceMethod<&Channel::DropFrame>("drop"),
	                InstanceMethod<&Channel::Send>("send"),
	                InstanceMethod<&Channel::Counters>("counters"),
	                InstanceMethod<&Channel::Close>("close"),
#ifdef MB_TEST_HOOKS
	                InstanceMethod<&Channel::HookMatte>("hookMatte"),
	                InstanceMethod<&Channel::HookSend>("hookSend"),
	                InstanceMethod<&Channel::HookIndexes>("hookIndexes"),
	                InstanceMethod<&Channel::HookReading>("hookReading"),
#endif
	        });
}

/* --- beginning and end ------------------------------------------------------------------------------------------- */

Napi::Value Channel::Create(Napi::Env env, int fd)
{
	const Napi::Value channel = Environment::Of(env).channel.New({Napi::External<int>::New(env, &fd)});
	/* A worker that is being terminated makes no more objects. */
	if (fd >= 0)
		close(fd);
	return channel;
}

/* Only Create can call it: the class is not exported, and an External cannot be made in JavaScript. */
Channel::Channel(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<Channel>(info), memory_(NoMemory()), next_(NoMemory())
{
	Napi::Env env = info.Env();
	if (info.Length() < 1 || !info[0].IsExternal()) {
		ThrowMisuse(env, "Channels are made by ChannelServer");
		return;
	}
	const int fd = std::exchange(*info[0].As<Napi::External<int>>().Data(), -1);
	const int result = Socket::Open(Environment::Of(env), fd, this, &socket_);
	if (result < 0) {
		ThrowErrno(env, result, "watch the connection");
		return;
	}
	Ref(); /* until OnClosed */
}

Channel::~Channel()
{
	if (socket_)
		socket_->Abandon();
	mb_memory_close(&memory_);
	mb_memory_close(&next_);
	if (offered_fd_ >= 0)
		close(offered_fd_);
}

Napi::Value Channel::Handle(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	if (info.Length() < 1 || !info[0].IsObject()) {
		ThrowMisuse(env, "handle wants handlers");
		return env.Undefined();
	}
	if (!socket_)
		return env.Undefined(); /* nothing will ever be heard */
	Napi::Object handlers = info[0].As<Napi::Object>();
	frames_ = Napi::Persistent(handlers.Get("frames").As<Napi::Function>());
	message_ = Napi::Persistent(handlers.Get("message").As<Napi::Function>());
	closed_ = Napi::Persistent(handlers.Get("closed").As<Napi::Function>());
	if (IsOpen()) {
		const int result = socket_->Start();
		if (result < 0)
			ThrowErrno(env, result, "watch the connection");
	}
	return env.Undefined();
}

Napi::Value Channel::Close(const Napi::CallbackInfo &info)
{
	End(0, nullptr);
	return info.Env().Undefined();
}

void Channel::End(int code, const char *fault)
{
	if (!IsOpen())
		return;
	end_code_ = code;
	end_fault_ = fault;
	/* What nobody took is accounted for too; indexes that are broken say nothing. */
	for (mb_memory *memory : {&memory_, &next_}) {
		const int waiting = memory->fd < 0 ? 0 : mb_frames_waiting(memory);
		if (waiting > 0)
			ledger_.Pass(static_cast<uint64_t>(waiting), Drop::Closed);
		mb_memory_close(memory);
		*memory = NoMemory();
	}
	ledger_.Close();
	if (offered_fd_ >= 0)
		close(offered_fd_);
	offered_fd_ = -1;
	socket_->Close();
}

void Channel::OnClosed()
{
	Napi::Env env = Env();
	Napi::HandleScope scope(env);
	socket_ = nullptr;
	Environment &environment = Environment::Of(env);
	if (!environment.IsLeaving() && !closed_.IsEmpty()) {
		const Napi::Value code = end_code_ == 0 ? env.Null() : Napi::String::New(env, ErrnoName(end_code_));
		const Napi::Value fault = end_fault_ ? Napi::String::New(env, end_fault_) : env.Null();
		environment.Call(closed_, {code, fault});
	}
	/* The handlers know the channel: held from here, both would stay for ever. */
	for (Napi::FunctionReference *handler : {&frames_, &message_, &closed_})
		handler->Reset();
	Unref();
}

/* --- messages ---------------------------------------------------------------------------------------------------- */

void Channel::OnReadable()
{
	Napi::Env env = Env();
	Napi::HandleScope scope(env);
	bool rung = false;
	for (int i = 0; i < kMessagesPerTurn && IsOpen() && Receive(&rung); i++)
		;
	if (rung && IsOpen())
		Environment::Of(env).Call(frames_, {});
}

/* Takes one message; false if none is left. */
bool Channel::Receive(bool *rung)
{
	Napi::Env env = Env();
	Environment &environment = Environment::Of(env);
	mb_message &message = environment.message;

	const int result = mb_receive(socket_->Fd(), &message);
	if (result < 0)
		End(result, result == -EPROTO ? "a message that is none of the wire's" : nullptr);
	if (result <= 0)
		return false;
	if (message.type == MB_DOORBELL) {
		*rung = true;
		return true;
	}
	if (message.fd >= 0) {
		if (offered_fd_ >= 0)
			close(offered_fd_);
		offered_fd_ = message.fd;
	}
	Napi::HandleScope scope(env);
	environment.Call(
	        message_, {Napi::Number::New(env, message.type), Napi::String::New(env, message.body, message.length),
	                          Napi::Boolean::New(env, message.fd >= 0)});
	return true;
}

Napi::Value Channel::Send(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	if (info.Length() < 2 || !info[0].IsNumber() || !info[1].IsString()) {
		ThrowMisuse(env, "send wants a type and a text");
		return env.Undefined();
	}
	/* Whoever sends need not ask first whether the peer is still there: `closed` says it. */
	if (!IsOpen())
		return Napi::Boolean::New(env, true);
	const auto type = static_cast<uint8_t>(info[0].As<Napi::Number>().Uint32Value());
	const std::string text = info[1].As<Napi::String>();
	const int result = mb_send(socket_->Fd(), type, text.data(), text.size(), -1);
	if (result == -EPIPE)
		End(result, nullptr);
	else if (result < 0 && result != -EAGAIN)
		ThrowErrno(env, result, "send a message");
	return Napi::Boolean::New(env, result != -EAGAIN);
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

Napi::Value Channel::Adopt(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	const int fd = offered_fd_;
	if (fd < 0) {
		ThrowMisuse(env, "no memory came along");
		return env.Undefined();
	}
	offered_fd_ = -1;
	mb_memory adopted = NoMemory();
	const char *why = nullptr;
	const int result = mb_memory_adopt(&adopted, fd, &why);
	if (result < 0)
		return Napi::String::New(env, why ? why : uv_strerror(result));
	if (memory_.fd < 0) {
		memory_ = adopted;
	} else {
		/* A filter that offers a third memory writes to the second already. */
		if (next_.fd >= 0)
			Promote();
		next_ = adopted;
	}
	Napi::Object size = Napi::Object::New(env);
	size.Set("width", adopted.header.width);
	size.Set("height", adopted.header.height);
	return size;
}

/* The next memory becomes the one in use; what is unread in the old one will not be read. */
void Channel::Promote()
{
	const int waiting = mb_frames_waiting(&memory_);
	if (waiting > 0)
		ledger_.Pass(static_cast<uint64_t>(waiting), Drop::Resize);
	mb_memory_close(&memory_);
	memory_ = next_;
	next_ = NoMemory();
	memory_count_++;
}

/* Frames in a memory. Negative: the channel has been closed for it. */
int Channel::Waiting(mb_memory *memory)
{
	const int waiting = memory->fd < 0 ? 0 : mb_frames_waiting(memory);
	if (waiting < 0)
		End(waiting, "indexes of the ring of frames that cannot be");
	return waiting;
}

/* --- frames and mattes ---------------------------------------------------------------------------------------------
 */

Napi::Value Channel::TakeFrame(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	if (!IsOpen())
		return env.Null();
	const int in_next = Waiting(&next_);
	if (in_next > 0)
		Promote();
	if (in_next < 0 || !SkipToNewest())
		return env.Null();

	mb_frame frame;
	const unsigned char *pixels = nullptr;
	if (mb_frame_peek(&memory_, &frame, &pixels) != 1 || frame.id <= last_id_ || frame.id > kLargestId) {
		End(-EPROTO, "a frame with a field that cannot be");
		return env.Null();
	}

	const size_t bytes = static_cast<size_t>(frame.width) * frame.height * MB_BYTES_PER_PIXEL;
	Napi::Uint8Array copy;
	if (info.Length() > 0 && info[0].IsTypedArray())
		copy = info[0].As<Napi::Uint8Array>();
	if (copy.IsEmpty() || copy.ByteLength() != bytes)
		copy = Napi::Uint8Array::New(env, bytes);
	if (env.IsExceptionPending())
		return env.Undefined();
	std::memcpy(copy.Data(), pixels, bytes);
	mb_frame_pop(&memory_);
	last_id_ = frame.id;
	ledger_.Take({frame.id, mb_now_ns(), frame.epoch, memory_count_});

	Napi::Object taken = Napi::Object::New(env);
	taken.Set("id", static_cast<double>(frame.id));
	taken.Set("epoch", frame.epoch);
	taken.Set("reason", frame.reason);
	taken.Set("timestampNs", static_cast<double>(frame.timestamp_ns));
	taken.Set("width", frame.width);
	taken.Set("height", frame.height);
	taken.Set("sourceWidth", frame.source_width);
	taken.Set("sourceHeight", frame.source_height);
	taken.Set("pixels", copy);
	return taken;
}

/* Drops all but the newest frame. False where there is none. */
bool Channel::SkipToNewest()
{
	int waiting = Waiting(&memory_);
	for (; waiting > 1; waiting--) {
		mb_frame_pop(&memory_);
		ledger_.Pass(1, Drop::Newer);
	}
	return waiting == 1;
}

/* A slot for the matte of a frame, or NULL with the answer to JavaScript in `*answer`: the frame was dropped, or the
 * call was wrong and an exception is pending. */
unsigned char *Channel::BeginMatte(
        Napi::Env env, uint64_t id, size_t given, uint32_t planes, mb_matte *matte, Napi::Value *answer)
{
	*answer = env.Undefined();
	if (!IsOpen()) {
		*answer = DropNamed(env, Drop::Closed);
		return nullptr;
	}
	const OpenFrame *frame = ledger_.Find(id);
	if (!frame) {
		ThrowMisuse(env, "this frame was never taken, or is answered or dropped already");
		return nullptr;
	}
	if (frame->memory != memory_count_) {
		ledger_.DropOpen(id, Drop::Resize);
		*answer = DropNamed(env, Drop::Resize);
		return nullptr;
	}
	if ((planes != 2 && planes != MB_PLANES_MAX) || given != mb_matte_bytes(&memory_, planes)) {
		ThrowMisuse(env, "a matte has 2 or 8 planes of the frame's size");
		return nullptr;
	}
	unsigned char *slot = mb_matte_begin(&memory_);
	if (!slot) {
		/* Full, or broken: then the channel ends, and with it the frame. */
		const int unread = mb_mattes_unread(&memory_);
		if (unread < 0)
			End(unread, "indexes of the ring of mattes that cannot be");
		else
			ledger_.DropOpen(id, Drop::Full);
		*answer = DropNamed(env, unread < 0 ? Drop::Closed : Drop::Full);
		return nullptr;
	}
	*matte = mb_matte{};
	matte->frame_id = id;
	matte->taken_ns = frame->taken_ns;
	matte->epoch = frame->epoch;
	matte->planes = planes;
	matte->width = memory_.header.width;
	matte->height = memory_.header.height;
	return slot;
}

/* Publishes the slot. */
Napi::Value Channel::CommitMatte(Napi::Env env, mb_matte *matte, uint32_t reason)
{
	matte->reason = reason;
	matte->answered_ns = mb_now_ns();
	mb_matte_commit(&memory_, matte);
	ledger_.Answer(matte->frame_id);
	if (mb_ring_doorbell(socket_->Fd()) == -EPIPE)
		End(-EPIPE, nullptr);
	return Napi::String::New(env, "ok");
}

Napi::Value Channel::DropNamed(Napi::Env env, Drop reason)
{
	return Napi::String::New(env, kDropNames[static_cast<int>(reason)]);
}

Napi::Value Channel::WriteMatte(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	if (info.Length() < 3 || !info[1].IsTypedArray() ||
	        info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
		ThrowMisuse(env, "writeMatte wants an id, a Float32Array and a reason");
		return env.Undefined();
	}
	const auto id = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
	const auto planes = info[1].As<Napi::Float32Array>();
	const uint32_t reason = info[2].As<Napi::Number>();
	const size_t size = static_cast<size_t>(memory_.header.width) * memory_.header.height;
	const auto count = static_cast<uint32_t>(size == 0 ? 0 : planes.ElementLength() / size);

	mb_matte matte;
	Napi::Value answer;
	unsigned char *slot = BeginMatte(env, id, planes.ElementLength() * sizeof(uint16_t), count, &matte, &answer);
	if (!slot)
		return answer;
	if (mb_matte_encode(planes.Data(), count, matte.width, matte.height, slot) < 0) {
		ledger_.DropOpen(id, Drop::Error);
		return Napi::String::New(env, "nonFinite");
	}
	return CommitMatte(env, &matte, reason);
}

Napi::Value Channel::WriteTexels(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	if (info.Length() < 4 || !info[1].IsTypedArray() ||
	        info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
		ThrowMisuse(env, "writeTexels wants an id, a Uint8Array, the number of planes and a reason");
		return env.Undefined();
	}
	const auto id = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
	const auto texels = info[1].As<Napi::Uint8Array>();
	const uint32_t planes = info[2].As<Napi::Number>();
	const uint32_t reason = info[3].As<Napi::Number>();

	mb_matte matte;
	Napi::Value answer;
	unsigned char *slot = BeginMatte(env, id, texels.ByteLength(), planes, &matte, &answer);
	if (!slot)
		return answer;
	std::memcpy(slot, texels.Data(), texels.ByteLength());
	return CommitMatte(env, &matte, reason);
}

Napi::Value Channel::DropFrame(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	if (info.Length() < 2 || !info[0].IsNumber() || !info[1].IsString()) {
		ThrowMisuse(env, "drop wants an id and a reason");
		return env.Undefined();
	}
	const auto id = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
	const std::string reason = info[1].As<Napi::String>();
	if (!IsOpen())
		return env.Undefined(); /* counted as `closed` then */
	if (!ledger_.Find(id))
		ThrowMisuse(env, "this frame was never taken, or is answered or dropped already");
	else if (reason == "unready" || reason == "error")
		ledger_.DropOpen(id, reason == "error" ? Drop::Error : Drop::Unready);
	else
		ThrowMisuse(env, "a frame is dropped as unready or error");
	return env.Undefined();
}

Napi::Value Channel::Counters(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	Napi::Object counters = Napi::Object::New(env);
	Napi::Object dropped = Napi::Object::New(env);
	for (int reason = 0; reason < kDrops; reason++)
		dropped.Set(kDropNames[reason], static_cast<double>(ledger_.Dropped(reason)));
	counters.Set("received", static_cast<double>(ledger_.Received()));
	counters.Set("answered", static_cast<double>(ledger_.Answered()));
	counters.Set("dropped", dropped);
	return counters;
}
