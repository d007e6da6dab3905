#include "sandbox-client/runner/text_edit.h"

#include <vector>

#include "sandbox-client/runner/text_search.h"

namespace rexec::runner {
namespace {

EditOutcome refuse(std::string problem) {
  return {EditOutcome::Kind::refused, 0, std::move(problem)};
}

EditOutcome refuse_size() {
  return refuse("would make the file larger than " + std::to_string(kMaxEditedFile >> 20) +
                " MiB; use exec for files of this size");
}

/// Counted without overlaps, unless there is only one that way.
EditOutcome refuse_ambiguous(std::string_view text, std::string_view sought, std::size_t first,
                             std::size_t second) {
  std::vector<std::size_t> lines{line_number(text, first)};
  std::size_t counted_to = first;
  std::uint64_t count = 1;
  const auto add = [&](std::size_t at) {
    ++count;
    if (lines.size() >= kMaxPlaces) return;
    lines.push_back(lines.back() + count_newlines(text.substr(counted_to, at - counted_to)));
    counted_to = at;
  };
  for (std::size_t at = find_bytes(text, sought, first + sought.size()); at != text.npos;
       at = find_bytes(text, sought, at + sought.size()))
    add(at);
  if (count == 1) add(second);
  return refuse("was found " + std::to_string(count) + " times, at lines " + join_numbers(lines) +
                (count > lines.size() ? ", …" : "") +
                "; it must occur exactly once. Add lines around it to old_text, or set replace_all");
}

}  // namespace

EditOutcome apply_text_edit(std::string& text, const TextEdit& edit) {
  const std::string& sought = edit.old_text;
  if (sought.empty()) return refuse("is empty; expected text of the file. write_file makes new files");
  if (sought == edit.new_text) return refuse("equals new_text, so nothing would change");
  const std::size_t first = find_bytes(text, sought);
  if (first == text.npos) return {EditOutcome::Kind::missing, 0, {}};
  if (!edit.replace_all) {
    const std::size_t second = find_bytes(text, sought, first + 1);
    if (second != text.npos) return refuse_ambiguous(text, sought, first, second);
    if (text.size() - sought.size() + edit.new_text.size() > kMaxEditedFile) return refuse_size();
    text.replace(first, sought.size(), edit.new_text);
    return {EditOutcome::Kind::done, 1, {}};
  }
  std::string result;
  std::uint64_t count = 0;
  std::size_t copied = 0;
  for (std::size_t at = first; at != text.npos; at = find_bytes(text, sought, copied)) {
    result.append(text, copied, at - copied).append(edit.new_text);
    copied = at + sought.size();
    ++count;
    if (result.size() > kMaxEditedFile) return refuse_size();
  }
  if (result.size() + text.size() - copied > kMaxEditedFile) return refuse_size();
  result.append(text, copied);
  text = std::move(result);
  return {EditOutcome::Kind::done, count, {}};
}

}  // namespace rexec::runner
