// Searches contents for lines that match, given in pieces of any size.
//
// A line ends with "\n"; a "\r" before it does not count. Of a line that is longer than kMaxLineBytes only
// its start is searched. A NUL byte means that the file is binary: it ends there, and what it had before is
// kept only if the NUL lies behind the first piece. Memory: one line, the context, and the matches, which are
// bounded by count and by kMaxTreeReply.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "sandbox-client/runner/wire_tree.h"

namespace re2 {
class RE2;
}

namespace rexec::runner {

inline constexpr std::size_t kMaxLineBytes = 32 << 10;

class LineSearch {
 public:
  /// `regex` and `result` outlive this. Stops when `result` has `limit` matches and there is another.
  LineSearch(const re2::RE2& regex, std::size_t limit, std::size_t context_lines, SearchResult& result)
      : regex_(regex), limit_(limit), context_lines_(context_lines), result_(result) {}

  void begin(std::string path);
  /// False when no more of this file is needed.
  bool feed(std::string_view bytes);
  void finish();
  /// Nothing more is needed of any file.
  bool full() const { return result_.stopped != Stopped::complete; }

 private:
  bool wanted() const { return !binary_ && (!full() || open_ < result_.matches.size()); }
  bool take_line();
  void add_match(std::string_view line);
  void add_context(std::string_view line);

  const re2::RE2& regex_;
  const std::size_t limit_;
  const std::size_t context_lines_;
  SearchResult& result_;
  std::size_t bytes_ = 0;  // in the matches

  // Of this file:
  std::string path_;
  std::string line_;  // begun, and not ended yet
  bool cut_ = false;  // what follows of the line is left out
  bool begun_ = false;
  bool binary_ = false;
  std::uint64_t number_ = 0;
  std::deque<std::string> before_;  // the last context_lines_ lines
  std::size_t open_ = 0;            // the first match that lacks lines behind it
};

}  // namespace rexec::runner
