// One replacement in a text. Texts are bytes. Pure: no I/O, no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rexec::runner {

inline constexpr std::size_t kMaxEditedFile = 16 << 20;  // before and after the change

struct TextEdit {
  std::string old_text;
  std::string new_text;
  bool replace_all = false;  // else old_text occurs exactly once, overlapping occurrences counted
};

struct EditOutcome {
  enum class Kind { done, missing, refused };
  Kind kind = Kind::done;
  std::uint64_t replacements = 0;
  std::string problem;  // refused: what is wrong, in one sentence; missing: empty
};

/// Replaces in `text`, which is unchanged unless the outcome is done. `new_text` is taken as it is.
EditOutcome apply_text_edit(std::string& text, const TextEdit& edit);

}  // namespace rexec::runner
