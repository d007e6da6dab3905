#include "sandbox-client/runner/line_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sandbox-client/runner/newlines.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kProbeBytes = 4096;
constexpr std::size_t kReadBytes = 256 << 10;
constexpr std::uint64_t kUnsizedLimit = 16 << 20;  // of files that say they are empty, as those of procfs
constexpr std::uint64_t kMarkDistance = kPieceBytes;
constexpr std::size_t kMaxMarks = 16384;
static_assert(kMarkDistance % kReadBytes == 0);

char buffer[kReadBytes];  // used within one call

}  // namespace

LineReader::LineReader(RequestId request, Replies& replies, ReadLines wanted)
    : FileTask(request), replies_(replies), wanted_(std::move(wanted)) {}

FileTask::State LineReader::fail(const Failure& failure) {
  replies_.reply_error(request(), failure);
  return State::finished;
}

FileTask::State LineReader::advance() {
  switch (phase_) {
    case Phase::open:
      return open();
    case Phase::count:
      return count();
    case Phase::seek:
      return seek();
    case Phase::cut_end:
      return find_cut_end();
  }
  return State::finished;
}

FileTask::State LineReader::open() {
  if (wanted_.start == 0) return fail({EINVAL, "lines", "lines are counted from 1, or from -1 at the end"});
  struct stat status {};
  Failure failure;
  file_ = open_for_reading(wanted_.path, status, failure);
  if (!file_.valid()) return fail(failure);
  data_.info = info_of(status);
  limit_ = data_.info.size > 0 ? data_.info.size : kUnsizedLimit;
  data_.probe.resize(kProbeBytes);
  const ssize_t probed = read_at(file_.get(), data_.probe.data(), kProbeBytes, 0);
  if (probed < 0) return fail(errno_failure(errno, "read", wanted_.path));
  data_.probe.resize(static_cast<std::size_t>(probed));
  if (wanted_.start > 0) first_line_ = static_cast<std::uint64_t>(wanted_.start);
  phase_ = Phase::count;
  return count();
}

bool LineReader::next_piece(std::string_view& piece) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kReadBytes, limit_ - position_));
  const ssize_t got = read_at(file_.get(), buffer, size, position_);
  if (got < 0) return false;
  piece = {buffer, static_cast<std::size_t>(got)};
  return true;
}

bool LineReader::find_start(std::string_view piece) {
  std::uint64_t missing = first_line_ - 1 - newlines_;  // newlines before the line
  std::size_t at = 0;
  while (missing > 0) {
    const std::size_t newline = piece.find('\n', at);
    if (newline == std::string_view::npos) return false;
    at = newline + 1;
    --missing;
  }
  data_.offset = position_ + at;
  started_ = true;
  return true;
}

FileTask::State LineReader::count() {
  for (std::size_t done = 0; done < kPieceBytes; done += kReadBytes) {
    if (first_line_ == 0 && position_ % kMarkDistance == 0 && marks_.size() < kMaxMarks)
      marks_.push_back(newlines_);
    std::string_view piece;
    if (!next_piece(piece)) return fail(errno_failure(errno, "read", wanted_.path));
    const std::uint64_t here = count_newlines(piece);
    if (!started_ && first_line_ != 0 && newlines_ + here >= first_line_ - 1) find_start(piece);
    newlines_ += here;
    position_ += piece.size();
    if (!piece.empty()) last_byte_ = piece.back();
    if (piece.size() == kReadBytes) continue;

    limit_ = position_;
    data_.total_lines = newlines_ + (last_byte_ == '\n' ? 0 : 1);
    if (first_line_ == 0) {
      const auto back = static_cast<std::uint64_t>(-(wanted_.start + 1));  // lines after the first wanted one
      first_line_ = data_.total_lines > back ? data_.total_lines - back : 1;
      const auto after = std::upper_bound(marks_.begin(), marks_.end(), first_line_ - 1);
      const auto mark = static_cast<std::size_t>(after - marks_.begin() - 1);
      position_ = mark * kMarkDistance;
      newlines_ = marks_[mark];
      phase_ = Phase::seek;
      return seek();
    }
    if (!started_) data_.offset = position_;
    return collect() ? answer() : State::running;
  }
  return State::running;
}

FileTask::State LineReader::seek() {
  for (std::size_t done = 0; done < kPieceBytes; done += kReadBytes) {
    std::string_view piece;
    if (!next_piece(piece)) return fail(errno_failure(errno, "read", wanted_.path));
    const std::uint64_t here = count_newlines(piece);
    if (newlines_ + here >= first_line_ - 1 && find_start(piece))
      return collect() ? answer() : State::running;
    newlines_ += here;
    position_ += piece.size();
    if (piece.empty()) limit_ = position_;  // it has become shorter
  }
  if (position_ < limit_) return State::running;
  data_.offset = position_;
  return answer();
}

bool LineReader::collect() {
  const std::uint64_t left = limit_ - std::min(limit_, data_.offset);
  data_.data.resize(static_cast<std::size_t>(std::min<std::uint64_t>(wanted_.max_bytes, left)));
  const ssize_t got = read_at(file_.get(), data_.data.data(), data_.data.size(), data_.offset);
  data_.data.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  std::size_t end = 0;
  while (data_.lines < wanted_.max_lines && end < data_.data.size()) {
    const std::size_t newline = data_.data.find('\n', end);
    if (newline != std::string::npos) {
      end = newline + 1;
    } else if (data_.offset + data_.data.size() >= limit_) {
      end = data_.data.size();
    } else if (data_.lines == 0) {
      // Not even one line fits.
      data_.lines = 1;
      position_ = data_.offset + data_.data.size();
      phase_ = Phase::cut_end;
      return false;
    } else {
      break;
    }
    ++data_.lines;
  }
  data_.data.resize(end);
  return true;
}

FileTask::State LineReader::find_cut_end() {
  for (std::size_t done = 0; done < kPieceBytes; done += kReadBytes) {
    std::string_view piece;
    if (!next_piece(piece)) return fail(errno_failure(errno, "read", wanted_.path));
    const std::size_t newline = piece.find('\n');
    position_ += newline == std::string_view::npos ? piece.size() : newline + 1;
    if (newline == std::string_view::npos && !piece.empty()) continue;
    data_.cut_line_end = position_;
    return answer();
  }
  return State::running;
}

FileTask::State LineReader::answer() {
  data_.first_line = first_line_;
  replies_.reply(request(), MessageType::file_data, data_, data_.data.size() + data_.probe.size() + 256);
  return State::finished;
}

}  // namespace rexec::runner
