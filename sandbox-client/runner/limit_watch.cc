#include "sandbox-client/runner/limit_watch.h"

#include <algorithm>
#include <limits>

#include "sandbox-client/runner/process_memory.h"

namespace rexec::runner {
namespace {

constexpr std::uint64_t kMegabyte = 1 << 20;

std::string limit_text(const char* of, std::uint64_t mb) {
  return std::string(of) + " limit " + std::to_string(mb) + " MB";
}

}  // namespace

LimitWatch::LimitWatch(Loop& loop, Children& children, WatchedLimits limits, std::string directory)
    : loop_(loop), children_(children), limits_(limits), directory_(std::move(directory)) {}

LimitWatch::~LimitWatch() {
  loop_.cancel(memory_timer_);
  loop_.cancel(disk_timer_);
  if (count_) loop_.remove(*this);
}

void LimitWatch::start() {
  if (limits_.memory_mb != 0) look_at_memory();
  if (limits_.disk_mb != 0) look_at_disk();
}

void LimitWatch::command_started() {
  const std::uint64_t now = monotonic_us();
  if (limits_.memory_mb != 0 && memory_timer_.when > now + kMemoryStepMs * 1000) {
    loop_.cancel(memory_timer_);
    memory_timer_ = loop_.after_ms(kMemoryStepMs, [this] { look_at_memory(); });
  }
  if (limits_.disk_mb != 0 && !count_ && disk_timer_.when > now + kDiskStepMs * 1000) {
    loop_.cancel(disk_timer_);
    disk_timer_ = loop_.after_ms(kDiskStepMs, [this] { look_at_disk(); });
  }
}

std::string LimitWatch::disk_refusal() const {
  if (limits_.disk_mb == 0 || disk_bytes_ <= limits_.disk_mb * kMegabyte) return {};
  const std::string reached = limit_text("disk", limits_.disk_mb) + " is reached: ";
  if (disk_bytes_ == std::numeric_limits<std::uint64_t>::max())
    return reached + "directories are too deep to be counted; remove those first";
  return reached + std::to_string(disk_bytes_ / kMegabyte) + " MB are used; remove something first";
}

std::uint64_t LimitWatch::patience_ms(std::uint64_t ms) const {
  return children_.running() > 0 ? ms : ms * kIdleFactor;
}

void LimitWatch::look_at_memory() {
  const std::uint64_t most = limits_.memory_mb * kMegabyte;
  // What is quickly read is never too little; only when that is too much is it worth to look closely.
  if (children_.total(resident_at_most) > most && children_.total(resident_share) > most)
    children_.kill_largest(resident_share, limit_text("memory", limits_.memory_mb));
  memory_timer_ = loop_.after_ms(patience_ms(kMemoryStepMs), [this] { look_at_memory(); });
}

void LimitWatch::look_at_disk() {
  disk_timer_ = {};
  count_.emplace(directory_);
  count_begun_us_ = monotonic_us();
  loop_.add(*this);
}

void LimitWatch::step() {
  switch (count_->advance(kEntriesPerTurn)) {
    case DiskCount::Step::unfinished:
      return;
    case DiskCount::Step::counted: {
      const std::uint64_t bytes = count_->bytes();
      return counted(bytes, bytes > disk_bytes_ && bytes > limits_.disk_mb * kMegabyte);
    }
    case DiskCount::Step::too_deep:
      // Nobody makes such a tree but to hide something in it. Whether it grows cannot be known, so there is
      // only the time between two counts to remove it.
      return counted(std::numeric_limits<std::uint64_t>::max(), true);
  }
}

void LimitWatch::counted(std::uint64_t bytes, bool kill) {
  loop_.remove(*this);
  count_.reset();
  const std::uint64_t took_ms = (monotonic_us() - count_begun_us_) / 1000;
  disk_timer_ =
      loop_.after_ms(patience_ms(std::max(kDiskStepMs, took_ms * kDiskRest)), [this] { look_at_disk(); });
  disk_bytes_ = bytes;
  if (kill) children_.kill_running(limit_text("disk", limits_.disk_mb));
}

}  // namespace rexec::runner
