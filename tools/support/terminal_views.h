// The terminals whose screens this server keeps: one view of each, whoever asks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/thread_annotations.h"
#include "sandbox-client/manager.h"
#include "sandbox-client/terminal_view.h"

namespace rexec::tools {

/// Thread-safe.
class TerminalRecording;

class TerminalViews : public std::enable_shared_from_this<TerminalViews> {
 public:
  /// Of those that are over, the ones that were used longest ago are let go; a later use joins them anew.
  static constexpr std::size_t kMaxOver = 64;

  /// The view of a terminal that was just opened, and its recording, which may be null.
  std::shared_ptr<sandbox::TerminalView> opened(const sandbox::SandboxHandle& handle,
                                                const sandbox::TerminalReport& report,
                                                std::shared_ptr<TerminalRecording> recording);
  /// Null when this server does not record it.
  std::shared_ptr<TerminalRecording> recording(const sandbox::SandboxHandle& handle, std::uint64_t terminal);
  /// The view of a terminal, made when there is none. not_found when there is no such terminal.
  void find(const sandbox::SandboxHandle& handle, std::uint64_t terminal, const Op& op,
            sandbox::Completion<std::shared_ptr<sandbox::TerminalView>> done);

 private:
  using Key = std::pair<sandbox::SandboxId, std::uint64_t>;
  struct Entry {
    std::shared_ptr<sandbox::TerminalView> view;
    std::uint64_t used = 0;
    std::shared_ptr<TerminalRecording> recording = nullptr;
  };

  std::shared_ptr<sandbox::TerminalView> add(const Key& key, std::shared_ptr<sandbox::TerminalView> view,
                                             std::shared_ptr<TerminalRecording> recording);

  Mutex mutex_;
  std::map<Key, Entry> entries_ REXEC_GUARDED_BY(mutex_);
  std::uint64_t turn_ REXEC_GUARDED_BY(mutex_) = 0;
};

}  // namespace rexec::tools
