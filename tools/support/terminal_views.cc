#include "tools/support/terminal_views.h"

#include <algorithm>
#include <vector>

#include "tools/services.h"
#include "tools/support/terminal_recording.h"

namespace rexec::tools {

using sandbox::TerminalView;

namespace {

bool usable(const TerminalView& view) {
  return view.runner().alive() && !view.broken();
}

}  // namespace

std::shared_ptr<TerminalView> TerminalViews::opened(const sandbox::SandboxHandle& handle,
                                                    const sandbox::TerminalReport& report,
                                                    std::shared_ptr<TerminalRecording> recording) {
  auto view = TerminalView::open(handle.runner, report, recording);
  return add({handle.record.id, report.terminal}, std::move(view), std::move(recording));
}

void TerminalViews::find(const sandbox::SandboxHandle& handle, std::uint64_t terminal, const Op& op,
                         sandbox::Completion<std::shared_ptr<TerminalView>> done) {
  const Key key{handle.record.id, terminal};
  std::shared_ptr<TerminalView> known;
  {
    const MutexLock lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end() && usable(*found->second.view)) {
      found->second.used = ++turn_;
      known = found->second.view;
    }
  }
  if (known) return done(std::move(known));
  TerminalView::join(
      handle.runner, terminal, op,
      [self = shared_from_this(), key, done = std::move(done)](Result<std::shared_ptr<TerminalView>> view) {
        if (!view) return done(std::move(view));
        done(self->add(key, std::move(*view), nullptr));
      });
}

std::shared_ptr<TerminalRecording> TerminalViews::recording(const sandbox::SandboxHandle& handle,
                                                            std::uint64_t terminal) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find({handle.record.id, terminal});
  return found == entries_.end() ? nullptr : found->second.recording;
}

std::shared_ptr<TerminalView> TerminalViews::add(const Key& key, std::shared_ptr<TerminalView> view,
                                                 std::shared_ptr<TerminalRecording> recording) {
  std::vector<std::shared_ptr<TerminalView>> dropped;  // their destructors run without the lock
  const MutexLock lock(mutex_);
  Entry& entry = entries_[key];
  // Of two calls that joined at once the first made the view that stays.
  if (!entry.view || !usable(*entry.view)) {
    std::swap(entry.view, view);
    entry.recording = std::move(recording);
    dropped.push_back(std::move(view));
  }
  entry.used = ++turn_;
  std::vector<std::pair<std::uint64_t, Key>> over;
  for (auto it = entries_.begin(); it != entries_.end();) {
    const bool gone = it->first != key && !it->second.view->runner().alive();
    if (!gone && it->first != key && it->second.view->over()) over.emplace_back(it->second.used, it->first);
    if (gone) dropped.push_back(std::move(it->second.view));
    it = gone ? entries_.erase(it) : std::next(it);
  }
  std::ranges::sort(over);
  for (std::size_t i = 0; i + kMaxOver < over.size(); ++i) {
    const auto found = entries_.find(over[i].second);
    dropped.push_back(std::move(found->second.view));
    entries_.erase(found);
  }
  return entries_.at(key).view;
}

std::shared_ptr<TerminalViews> make_terminal_views() {
  return std::make_shared<TerminalViews>();
}

}  // namespace rexec::tools
