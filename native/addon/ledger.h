/* native/addon/ledger.h - every frame of a channel and what became of it.
 *
 * received = answered + dropped + open: nothing is counted twice or not at all, so it is all written here. */
#ifndef MB_ADDON_LEDGER_H
#define MB_ADDON_LEDGER_H

#include <cstdint>
#include <vector>

enum class Drop { Newer, Resize, Unready, Error, Full, Closed };
constexpr int kDrops = 6;
/* As they are called in counters and answers; in the enumeration's order. */
constexpr const char *kDropNames[kDrops] = {"newer", "resize", "unready", "error", "full", "closed"};

/* A frame that was taken and has no answer yet. */
struct OpenFrame {
	uint64_t id;
	uint64_t taken_ns;
	uint32_t epoch;
	uint32_t memory; /* which of the channel's memories it came from, counted from 1 */
};

class Ledger {
      public:
	/* Frames that nobody will take. */
	void Pass(uint64_t frames, Drop reason)
	{
		received_ += frames;
		dropped_[static_cast<int>(reason)] += frames;
	}
	void Take(const OpenFrame &frame)
	{
		received_++;
		open_.push_back(frame);
	}
	/* NULL: never taken, or done with. Valid until the next call. */
	const OpenFrame *Find(uint64_t id) const
	{
		for (const OpenFrame &frame : open_)
			if (frame.id == id)
				return &frame;
		return nullptr;
	}
	void Answer(uint64_t id)
	{
		Settle(id);
		answered_++;
	}
	void DropOpen(uint64_t id, Drop reason)
	{
		Settle(id);
		dropped_[static_cast<int>(reason)]++;
	}
	/* The channel ends. */
	void Close()
	{
		dropped_[static_cast<int>(Drop::Closed)] += open_.size();
		open_.clear();
	}

	uint64_t Received() const
	{
		return received_;
	}
	uint64_t Answered() const
	{
		return answered_;
	}
	uint64_t Dropped(int reason) const
	{
		return dropped_[reason];
	}

      private:
	void Settle(uint64_t id)
	{
		for (size_t i = 0; i < open_.size(); i++) {
			if (open_[i].id == id) {
				open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
				return;
			}
		}
	}

	uint64_t received_ = 0;
	uint64_t answered_ = 0;
	uint64_t dropped_[kDrops] = {};
	std::vector<OpenFrame> open_; /* one or two: an engine works on one frame and takes the next */
};

#endif
