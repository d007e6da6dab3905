#include "sandbox-client/runner/line_search.h"

#include <re2/re2.h>

#include <algorithm>

namespace rexec::runner {
namespace {

constexpr std::size_t kLead = 128;       // bytes shown before a match far into its line
constexpr std::size_t kMatchBytes = 64;  // of a match in the reply, besides its texts
constexpr std::size_t kTextBytes = 4;    // of a text, besides itself

/// The start of `text` in at most `max` bytes, between characters of UTF-8.
std::string_view head_of(std::string_view text, std::size_t max) {
  if (text.size() <= max) return text;
  std::size_t size = max;
  while (size > max - 3 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

void LineSearch::begin(std::string path) {
  path_ = std::move(path);
  line_.clear();
  before_.clear();
  cut_ = begun_ = binary_ = false;
  number_ = 0;
  open_ = result_.matches.size();
}

bool LineSearch::feed(std::string_view bytes) {
  const std::size_t nul = bytes.find('\0');
  const bool binary = nul != std::string_view::npos;
  if (binary) {
    ++result_.binary;
    bytes = bytes.substr(0, begun_ ? nul : 0);
  }
  begun_ = true;
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::string_view part = bytes.substr(0, newline);
    const std::size_t room = kMaxLineBytes - line_.size();
    if (part.size() > room) cut_ = true;
    line_.append(part.substr(0, room));
    if (newline == std::string_view::npos) break;
    bytes.remove_prefix(newline + 1);
    if (!take_line()) return false;
  }
  binary_ = binary;
  return wanted();
}

void LineSearch::finish() {
  if (wanted() && (!line_.empty() || cut_)) take_line();
}

bool LineSearch::take_line() {
  ++number_;
  std::string_view line = line_;
  if (cut_) {
    ++result_.long_lines;
  } else if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  if (context_lines_ > 0) add_context(line);
  if (!full() && regex_.Match({line.data(), line.size()}, 0, line.size(), re2::RE2::UNANCHORED, nullptr, 0))
    add_match(line);
  if (context_lines_ > 0) {
    if (before_.size() == context_lines_) before_.pop_front();
    before_.emplace_back(head_of(line, kMaxHitBytes));
  }
  line_.clear();
  cut_ = false;
  return wanted();
}

void LineSearch::add_context(std::string_view line) {
  const std::string_view shown = head_of(line, kMaxHitBytes);
  for (std::size_t i = open_; i < result_.matches.size(); ++i) {
    result_.matches[i].after.emplace_back(shown);
    bytes_ += shown.size() + kTextBytes;
    if (result_.matches[i].after.size() == context_lines_) open_ = i + 1;
  }
  if (bytes_ <= kMaxTreeReply) return;
  result_.stopped = Stopped::size;
  open_ = result_.matches.size();
}

void LineSearch::add_match(std::string_view line) {
  SearchMatch match;
  match.path = path_;
  match.line = number_;
  std::size_t from = 0;
  if (line.size() > kMaxHitBytes) {
    re2::StringPiece found;
    regex_.Match({line.data(), line.size()}, 0, line.size(), re2::RE2::UNANCHORED, &found, 1);
    const auto start = static_cast<std::size_t>(found.data() - line.data());
    if (start + std::min(found.size(), kMaxHitBytes) > kMaxHitBytes) from = start - std::min(start, kLead);
    while (from > 0 && from < start && (static_cast<unsigned char>(line[from]) & 0xc0) == 0x80) ++from;
  }
  const std::string_view text = head_of(line.substr(from), kMaxHitBytes);
  match.text = text;
  match.cut_before = from > 0;
  match.cut_after = cut_ || from + text.size() < line.size();
  match.before.assign(before_.begin(), before_.end());
  std::size_t size = kMatchBytes + path_.size() + text.size();
  for (const std::string& other : match.before) size += other.size() + kTextBytes;
  if (result_.matches.size() == limit_) {
    result_.stopped = Stopped::limit;
  } else if (bytes_ + size > kMaxTreeReply) {
    result_.stopped = Stopped::size;
  } else {
    bytes_ += size;
    if (context_lines_ == 0) open_ = result_.matches.size() + 1;
    result_.matches.push_back(std::move(match));
  }
}

}  // namespace rexec::runner
