// A unified diff for one file (POSIX patch, section "Unified Diff"), as people and language models write it.
//
// Read generously: what stands in front of the first hunk, line numbers and counts in hunk headers, file
// headers and even the hunk header itself may be missing or wrong, blank context lines may have lost their
// space, a fence or an end mark may follow. Applied strictly: every context and removed line must be in the
// file as it is (a patch without '\r' fits lines with CRLF too), and a hunk that fits in several places is
// refused unless its line number names one of them. Pure: no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rexec::runner {

inline constexpr std::size_t kMaxHunks = 1000;

struct HunkLine {
  char kind = ' ';  // ' ', '-' or '+'
  std::string_view text;
  bool unterminated = false;  // "\ No newline at end of file" follows
};

struct Hunk {
  std::string_view header;                // as written; empty when there was none
  std::optional<std::uint64_t> old_line;  // first line, 1-based; with no old lines: the line in front
  std::vector<HunkLine> lines;
};

struct Patch {
  std::vector<Hunk> hunks;
};

/// Views into `text`. False: `problem` says what is wrong and what to write instead.
bool parse_patch(std::string_view text, Patch& patch, std::string& problem);

/// Applies a patch, hunk by hunk, so that a caller with other duties can do one at a time.
class PatchApplier {
 public:
  enum class State { running, done, missing, refused };

  /// `text` and `patch` outlive this.
  PatchApplier(std::string_view text, const Patch& patch) : text_(text), patch_(patch) {}

  /// One more hunk. missing: its old lines are nowhere, see sought(); refused: see problem().
  State advance();
  /// After done: the new text.
  std::string result() const;
  std::size_t result_size() const;

  const std::string& problem() const { return problem_; }
  const std::string& sought() const { return sought_; }

 private:
  struct Placement {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string replacement;
  };
  struct Block;  // the old lines of a hunk with one kind of line end

  State refuse(const Hunk& hunk, const std::string& what);
  State place(const Hunk& hunk);
  State insert(const Hunk& hunk);
  bool overlaps(std::size_t begin, std::size_t end) const;
  /// End of the block when it is at `offset`, the start of a line; npos when it is not.
  std::size_t match_at(const Block& block, std::size_t offset) const;
  std::optional<std::size_t> offset_of_line(std::uint64_t line) const;
  void accept(const Hunk& hunk, const Block& block, std::size_t begin, std::size_t end);
  void finish_end(const Hunk& hunk, const Block& block, std::size_t end, std::string& replacement) const;

  std::string_view text_;
  const Patch& patch_;
  std::size_t next_ = 0;
  std::vector<Placement> placements_;
  std::int64_t shift_ = 0;  // of the last numbered hunk: place minus number
  std::string problem_;
  std::string sought_;
};

}  // namespace rexec::runner
