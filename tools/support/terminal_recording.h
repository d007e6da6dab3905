// What happened on a terminal, in a file that players show again: asciicast version 2
// (https://docs.asciinema.org/manual/asciicast/v2/), a header and one JSON array on each line.
//
// Files are the user's own (mode 0600, in a directory of mode 0700) and outlive the sandbox. The output is
// what tools see of it, so configured secrets are masked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "sandbox-client/terminal_view.h"
#include "tools/services.h"

namespace rexec::tools {

class TerminalRecording final : public sandbox::TerminalObserver {
 public:
  static constexpr std::uint64_t kMaxBytes = 64 << 20;  // of a file; what follows is not recorded
  static constexpr std::size_t kMaxFiles = 200;         // in the directory: the oldest one makes room

  /// Makes <directory>/<name>.cast, with a number added where there is one already.
  static Result<std::shared_ptr<TerminalRecording>> make(const RecordingOptions& options,
                                                         const std::string& name,
                                                         const sandbox::TerminalSize& size,
                                                         const std::string& command, const Clock& clock);

  const std::string& path() const { return path_; }
  /// Removes the file: there was nothing to record.
  void discard();

  void output(std::string_view bytes) override;
  void resized(const sandbox::TerminalSize& size) override;
  void ended() override;
  /// What a tool typed; any thread. Nothing unless input is recorded. Not to be called with what a program
  /// reads without showing it.
  void typed(std::string_view bytes);

 private:
  TerminalRecording(std::string path, UniqueFd file, bool input, const Clock& clock);

  void event(char kind, const std::string& text) REXEC_REQUIRES(mutex_);
  void put(const std::string& line) REXEC_REQUIRES(mutex_);

  const std::string path_;
  const bool records_input_;
  const Clock& clock_;
  const SteadyTime begun_;

  Mutex mutex_;
  UniqueFd file_ REXEC_GUARDED_BY(mutex_);  // invalid once it is over
  std::uint64_t written_ REXEC_GUARDED_BY(mutex_) = 0;
  std::string incomplete_ REXEC_GUARDED_BY(mutex_);  // the beginning of a character of the output
};

}  // namespace rexec::tools
