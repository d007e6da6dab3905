// read_lines: some lines of a file, and how many it has.
//
// One pass counts the newlines, and finds the first wanted line on the way; counting from the end needs the
// count first and then starts over from the nearest place that it has marked. What is added to the file
// meanwhile is not seen.
#pragma once

#include <sys/stat.h>

#include <vector>

#include "sandbox-client/runner/file_task.h"

namespace rexec::runner {

class LineReader final : public FileTask {
 public:
  LineReader(RequestId request, Replies& replies, ReadLines wanted);

  State advance() override;

 private:
  enum class Phase { open, count, seek, cut_end };

  State fail(const Failure& failure);
  State open();
  State count();
  State seek();
  State find_cut_end();
  State answer();
  /// Bytes of the file at position_, into the shared buffer; empty at the end.
  bool next_piece(std::string_view& piece);
  /// Looks for the beginning of the first wanted line in `piece`, which is at position_.
  bool find_start(std::string_view piece);
  bool collect();

  Replies& replies_;
  const ReadLines wanted_;
  Phase phase_ = Phase::open;
  Fd file_;
  std::uint64_t limit_ = 0;  // nothing is read beyond
  std::uint64_t position_ = 0;
  std::uint64_t newlines_ = 0;  // before position_
  char last_byte_ = '\n';
  std::uint64_t first_line_ = 0;      // 1-based
  bool started_ = false;              // data_.offset is known
  std::vector<std::uint64_t> marks_;  // newlines before each multiple of the mark distance
  FileData data_;
};

}  // namespace rexec::runner
