// Edits, between what the tools say and what the runner's protocol says.
#include "base/utf8.h"
#include "sandbox-client/runner_messages.h"

namespace rexec::sandbox {

Result<runner::EditFile> to_wire(EditSpec&& spec, const RunnerSettings& settings) {
  const auto invalid = [](std::string message) {
    return Error{ErrorCode::invalid_argument, std::move(message)};
  };
  runner::EditFile message;
  ASSIGN_OR_RETURN(message.path, checked_path(spec.path, settings));
  if (spec.edits.empty() == spec.patch.empty()) return invalid("give either edits or a patch");
  if (spec.edits.size() > runner::kMaxEdits)
    return invalid("more than " + std::to_string(runner::kMaxEdits) +
                   " edits; make them in several calls, or give a patch");
  std::size_t size = spec.patch.size();
  for (const TextEdit& edit : spec.edits) size += edit.old_text.size() + edit.new_text.size();
  if (size > runner::kMaxEditBytes)
    return invalid("the changes have " + std::to_string(size) + " bytes; at most " +
                   std::to_string(runner::kMaxEditBytes) + " can be made in one call");
  for (TextEdit& edit : spec.edits)
    message.edits.push_back({std::move(edit.old_text), std::move(edit.new_text), edit.replace_all});
  message.patch = std::move(spec.patch);
  message.dry_run = spec.dry_run;
  return message;
}

std::optional<FileEdited> from_wire(runner::FileEdited&& edited) {
  constexpr std::size_t kShaDigits = 64;
  if (edited.sha256.size() != kShaDigits ||
      edited.sha256.find_first_not_of("0123456789abcdef") != std::string::npos)
    return std::nullopt;
  FileEdited result;
  result.path = std::move(edited.path);
  result.bytes = edited.bytes;
  result.replacements = edited.replacements;
  result.sha256 = std::move(edited.sha256);
  result.diff = std::move(edited.diff);
  result.diff_cut = edited.diff_cut;
  return result;
}

Error explain_edit(const runner::Failure& failure, const std::string& path) {
  if (failure.step != "edit") return explain_file(failure, path);
  std::string text = failure.text.substr(0, runner::kMaxEditProblem);
  text.resize(text.size() - utf8_incomplete_tail(text));
  for (char& c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f) c = ' ';
  return Error{ErrorCode::failed_precondition, to_valid_utf8(text)};
}

}  // namespace rexec::sandbox
