// What edits did, by their nonces, so that one that is asked for again after a lost connection is not made
// twice. A client asks again only for what it has outstanding, so the bound on requests is the bound here.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "sandbox-client/runner/file_task.h"
#include "sandbox-client/runner/wire_edit.h"

namespace rexec::runner {

class EditMemory {
 public:
  static constexpr std::size_t kMaxEntries = kMaxOutstanding * kMaxConnections;
  static constexpr std::size_t kMaxBytes = 8 << 20;  // of diffs; those of the oldest are forgotten first

  void remember(const EditNonce& nonce, FileEdited edited) {
    bytes_ += edited.diff.size();
    entries_.emplace_back(nonce, std::move(edited));
    for (auto entry = entries_.begin(); bytes_ > kMaxBytes; ++entry) forget_diff(entry->second);
    if (entries_.size() <= kMaxEntries) return;
    forget_diff(entries_.front().second);
    entries_.pop_front();
  }

  /// Null for an edit that was not made.
  const FileEdited* find(const EditNonce& nonce) const {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry)
      if (entry->first == nonce) return &entry->second;
    return nullptr;
  }

 private:
  void forget_diff(FileEdited& edited) {
    if (edited.diff.empty()) return;
    bytes_ -= edited.diff.size();
    edited.diff = {};
    edited.diff_cut = true;
  }

  std::deque<std::pair<EditNonce, FileEdited>> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace rexec::runner
