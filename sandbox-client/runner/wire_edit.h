// The messages of edit_file: replacements or a unified diff, made in the runner, so that nothing is lost
// between reading and writing.
//
// An edit is not idempotent by itself, so it has a nonce, as a start has one: a request that comes again
// after a lost connection is answered with what the first one did (see EditMemory).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sandbox-client/runner/text_edit.h"
#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

inline constexpr std::size_t kMaxEdits = 256;          // of one request
inline constexpr std::size_t kMaxEditBytes = 1 << 20;  // texts of all edits together, or the patch
inline constexpr std::size_t kMaxDiffBytes = kMaxData;

/// Either edits, applied one after the other, or patch. Errors of what was asked have the step "edit" and a
/// text of several lines, at most kMaxEditProblem bytes, that says what to do.
struct EditFile {
  std::array<std::uint8_t, 16> nonce{};
  std::string path;
  std::vector<TextEdit> edits;
  std::string patch;
  bool dry_run = false;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};
inline constexpr std::size_t kMaxEditProblem = 1900;

struct FileEdited {
  std::string path;  // with symlinks followed
  std::uint64_t bytes = 0;
  std::uint64_t replacements = 0;  // or hunks of the patch
  std::string sha256;              // hex, of the whole file now, or as it would be
  std::string diff;
  bool diff_cut = false;  // the rest of the diff was left out

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

}  // namespace rexec::runner
