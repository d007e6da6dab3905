// edit_file: replaces parts of a file, by exact texts or by a unified diff.
#include <utility>

#include "base/utf8.h"
#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/file_failure.h"
#include "tools/support/output_budget.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/secret_use.h"

namespace rexec::tools {
namespace {

// As the runner takes them (sandbox-client/runner/wire_edit.h).
constexpr std::size_t kMaxEdits = 256;
constexpr std::size_t kMaxEditBytes = 1 << 20;

std::vector<sandbox::TextEdit> read_edits(const Json* list, Violations& violations) {
  std::vector<sandbox::TextEdit> edits;
  if (list == nullptr) return edits;
  for (const Json& entry : *list) {
    const std::string pointer = "/edits/" + std::to_string(edits.size());
    const Arguments fields(entry);
    edits.push_back({fields.text("old_text"), fields.text("new_text"), fields.flag("replace_all")});
    const sandbox::TextEdit& edit = edits.back();
    if (edit.old_text.empty()) {
      violations.push_back({pointer + "/old_text",
                            "is empty; expected text of the file. write_file makes new files, and appends"});
    } else if (edit.old_text == edit.new_text) {
      violations.push_back({pointer + "/new_text", "equals old_text, so this would change nothing"});
    }
  }
  return edits;
}

sandbox::EditSpec read_edit_arguments(const Arguments& arguments, const Json& json, const Secrets* secrets,
                                      Violations& violations) {
  check_path(arguments, "path", violations);
  sandbox::EditSpec spec;
  spec.path = arguments.text("path");
  spec.dry_run = arguments.flag("dry_run");
  spec.patch = arguments.text("patch");
  spec.edits = read_edits(find(json, "edits"), violations);
  // Some clients fill every property in: an empty one is not given.
  if (spec.edits.empty() == spec.patch.empty()) {
    violations.push_back(
        {"", std::string(spec.edits.empty() ? "has nothing to change" : "has both edits and patch") +
                 "; expected exactly one of edits, patch"});
  }
  if (spec.edits.size() > kMaxEdits) {
    violations.push_back({"/edits", "has " + std::to_string(spec.edits.size()) +
                                        " entries; expected at most " + std::to_string(kMaxEdits) +
                                        " in one call"});
  }
  check_no_mask(secrets, "/patch", spec.patch, violations);
  for (std::size_t i = 0; i < spec.edits.size(); ++i)
    check_no_mask(secrets, "/edits/" + std::to_string(i) + "/new_text", spec.edits[i].new_text, violations);
  std::size_t size = spec.patch.size();
  for (const sandbox::TextEdit& edit : spec.edits) size += edit.old_text.size() + edit.new_text.size();
  if (size > kMaxEditBytes) {
    violations.push_back({spec.edits.empty() ? "/patch" : "/edits",
                          "has " + std::to_string(size) + " bytes; expected at most " +
                              std::to_string(kMaxEditBytes) + " in one call"});
  }
  return spec;
}

std::string summary(const sandbox::FileEdited& edited, const sandbox::EditSpec& asked) {
  const bool one = edited.replacements == 1;
  const std::string what =
      asked.edits.empty() ? (one ? " hunk" : " hunks") : (one ? " replacement" : " replacements");
  return std::string(asked.dry_run ? "[dry run, nothing was written: would edit " : "[edited ") +
         edited.path + " · " + std::to_string(edited.replacements) + what + " · " +
         std::to_string(edited.bytes) + " bytes · sha256 " + edited.sha256 + "]";
}

mcp::ToolResult present(const sandbox::SandboxHandle& handle, const sandbox::FileEdited& edited,
                        const sandbox::EditSpec& asked, std::size_t max_chars) {
  const StreamView diff = view_ends(as_report(edited.diff), true, max_chars, [](const Omission& omission) {
    return "[… " + std::to_string(omission.lines) + " lines of the diff left out …]";
  });
  std::string text = summary(edited, asked) + "\n" + diff.text;
  if (edited.diff_cut) text += "\n[the rest of the diff was left out]";
  mcp::ToolResult result = mcp::ToolResult::text(std::move(text));
  Json structured = {{"sandbox", handle.record.name},
                     {"path", to_valid_utf8(edited.path)},
                     {"diff", diff.text},
                     {"replacements", edited.replacements},
                     {"bytes", edited.bytes},
                     {"sha256", edited.sha256}};
  if (diff.omitted_lines > 0) structured["diff_omitted_lines"] = diff.omitted_lines;
  if (edited.diff_cut) structured["diff_cut"] = true;
  if (asked.dry_run) structured["dry_run"] = true;
  result.structured = std::move(structured);
  return result;
}

void edit(const std::shared_ptr<mcp::ToolCall>& call, const sandbox::SandboxHandle& handle,
          std::shared_ptr<sandbox::EditSpec> spec, std::size_t max_chars) {
  spec->path = sandbox::resolve_path(spec->path, handle.record.home, handle.record.cwd);
  handle.runner->edit_file(
      *spec, call->op(), [call, handle, spec, max_chars](Result<sandbox::FileEdited> edited) {
        if (edited) {
          auto shared = std::make_shared<const sandbox::FileEdited>(std::move(*edited));
          return call->defer([call, handle, spec, max_chars, shared] {
            reply_from(handle, *call, present(handle, *shared, *spec, max_chars));
          });
        }
        const Error& error = edited.error();
        if (error.code != ErrorCode::failed_precondition) return fail_file(call, handle, spec->path, error);
        reply_from(handle, *call, mcp::ToolResult::failure("Nothing was changed. " + error.message));
      });
}

}  // namespace

mcp::ToolHandler make_edit_file(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    auto spec = std::make_shared<sandbox::EditSpec>(
        read_edit_arguments(Arguments(call->arguments()), call->arguments(), services.secrets, violations));
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(services, call,
                [call, spec, max_chars = services.limits.default_chars](
                    const sandbox::SandboxHandle& handle) { edit(call, handle, spec, max_chars); });
  });
}

}  // namespace rexec::tools
