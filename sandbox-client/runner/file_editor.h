// edit_file: replaces parts of a file. The new contents are made in memory and put in the place of the old
// ones as a whole (see FileTarget), and only of those that were read: when the file changes meanwhile, the
// edit is made anew on what it is then, so that no change of others is lost.
// A file that another edit may still put back (settled()) is neither replaced nor a reason to refuse.
//
// The file is read, searched, hashed and written a piece at a time; applying one edit or one hunk, the diff
// and the exchange are one piece each, whose work kMaxEditedFile bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox-client/runner/edit_memory.h"
#include "sandbox-client/runner/file_target.h"
#include "sandbox-client/runner/file_task.h"
#include "sandbox-client/runner/nearest_lines.h"
#include "sandbox-client/runner/patch.h"
#include "sandbox-client/runner/sha256.h"
#include "sandbox-client/runner/wire_edit.h"

namespace rexec::runner {

class FileEditor final : public FileTask {
 public:
  static constexpr int kMaxChanges = 50;                   // of the file by others, before it is given up
  static constexpr std::uint64_t kMaxBusyUs = 500 * 1000;  // that others may write to it or hold a lock on it

  /// `replies` and `memory` outlive this.
  FileEditor(RequestId request, Replies& replies, EditMemory& memory, EditFile wanted);

  State advance() override;
  bool large() const override { return true; }
  const EditNonce* nonce() const override { return &wanted_.nonce; }

 private:
  enum class Phase { open, read, edit, patch, explain, refuse, compare, write, exchange };

  State go(Phase phase);
  State fail(const Failure& failure);
  State refuse(std::string problem);
  State settle();
  State explain(std::string problem, std::string_view text, std::string_view sought, const char* name);
  State open();
  State read();
  State edit();
  State patch();
  State search();
  State compare();
  State write();
  State exchange();
  bool busy_for_long();
  State again(bool busy);
  State answer();

  Replies& replies_;
  EditMemory& memory_;
  EditFile wanted_;
  Phase phase_ = Phase::open;
  FileTarget target_;
  Fd source_;
  Fd file_;  // the temporary one
  std::string before_;
  std::string after_;
  std::size_t next_edit_ = 0;
  Patch parsed_;
  std::optional<PatchApplier> applier_;
  std::string problem_;
  std::string sought_;
  std::optional<NearestLines> nearest_;
  std::size_t written_ = 0;
  Sha256 hash_;
  FileEdited result_;
  int changes_ = 0;
  std::uint64_t busy_since_ = 0;  // 0: not
};

}  // namespace rexec::runner
