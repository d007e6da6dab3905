// From the threads on which asynchronous calls complete to the one that waits in poll(2).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/thread_annotations.h"

namespace rexec::app {

/// What is put in is run by its owner's thread, or never: what comes when the owner does not look any more is
/// dropped with the mailbox, which the senders share. As many letters can wait as calls are outstanding.
class Mailbox {
 public:
  using Letter = std::function<void()>;

  static Result<std::shared_ptr<Mailbox>> make();
  explicit Mailbox(UniqueFd event) : event_(std::move(event)) {}

  /// Any thread.
  void put(Letter letter);
  /// The owner's thread: runs what was put in, in that order.
  void deliver();
  /// Readable while something waits.
  int fd() const { return event_.get(); }

 private:
  const UniqueFd event_;
  Mutex mutex_;
  std::vector<Letter> letters_ REXEC_GUARDED_BY(mutex_);
};

}  // namespace rexec::app
