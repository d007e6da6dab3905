// list_files: entries of a directory tree, page by page.
#include <cstdio>
#include <utility>

#include "base/utf8.h"
#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/durations.h"
#include "tools/support/file_failure.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/tree_failure.h"
#include "tools/support/tree_paths.h"

namespace rexec::tools {
namespace {

constexpr unsigned kAllDepths = 64;

std::string_view type_name(sandbox::FileType type) {
  switch (type) {
    case sandbox::FileType::file:
      return "file";
    case sandbox::FileType::dir:
      return "dir";
    case sandbox::FileType::symlink:
      return "symlink";
    case sandbox::FileType::other:
      break;
  }
  return "other";
}

Json entry_json(const TreePaths& paths, const sandbox::ListEntry& entry) {
  char mode[16];
  std::snprintf(mode, sizeof mode, "%04o", entry.info.mode);
  Json json = {{"type", std::string(type_name(entry.info.type))},
               {"mode", mode},
               {"modified", iso_time(entry.info.modified_unix_ms)}};
  paths.put(json, entry.path);
  if (entry.info.type == sandbox::FileType::file) json["size"] = entry.info.size;
  if (entry.info.type == sandbox::FileType::symlink) json["target"] = to_valid_utf8(entry.info.target);
  return json;
}

std::string entry_line(const TreePaths& paths, const sandbox::ListEntry& entry) {
  std::string line = one_line(paths.shown(entry.path));
  switch (entry.info.type) {
    case sandbox::FileType::file:
      line += "  " + std::to_string(entry.info.size);
      break;
    case sandbox::FileType::dir:
      line += "/";
      break;
    case sandbox::FileType::symlink:
      line += " -> " + one_line(entry.info.target);
      break;
    case sandbox::FileType::other:
      line += "  (device, FIFO or socket)";
      break;
  }
  return line + "\n";
}

class Request {
 public:
  Request(const Arguments& arguments, const ToolLimits& limits, Violations& violations)
      : max_chars_(limits.default_chars) {
    check_path(arguments, "path", violations);
    check_path(arguments, "after", violations);
    path_ = arguments.text("path", "~");
    after_ = arguments.text("after");
    spec_.glob = arguments.text("glob");
    spec_.depth = static_cast<unsigned>(arguments.size("depth", spec_.glob.empty() ? 1 : kAllDepths));
    spec_.hidden = arguments.flag("hidden");
    spec_.limit = arguments.size("limit", spec_.limit);
  }

  void run(const std::shared_ptr<mcp::ToolCall>& call, const sandbox::SandboxHandle& handle) {
    spec_.path = sandbox::resolve_path(path_, handle.record.home, handle.record.cwd);
    const TreePaths paths(path_, spec_.path);
    if (!after_.empty()) {
      auto relative = paths.relative(after_);
      if (!relative) {
        return call->reject({{"/after", "is " + in_quotes(after_) +
                                            "; expected a path of an earlier answer, which starts with " +
                                            in_quotes(paths.prefix())}});
      }
      spec_.after = *std::move(relative);
    }
    handle.runner->list_files(
        spec_, call->op(),
        [call, handle, paths, path = spec_.path, max_chars = max_chars_](Result<sandbox::Listing> found) {
          if (!found) return fail_tree(call, handle, path, found.error());
          call->defer([=, listing = std::make_shared<const sandbox::Listing>(*std::move(found))] {
            reply_from(handle, *call, present(handle, paths, *listing, max_chars));
          });
        });
  }

 private:
  static mcp::ToolResult present(const sandbox::SandboxHandle& handle, const TreePaths& paths,
                                 const sandbox::Listing& listing, std::size_t max_chars) {
    Json entries = Json::array();
    std::string text;
    std::size_t chars = 0;
    std::string_view last;
    bool cut = false;
    for (const sandbox::ListEntry& entry : listing.entries) {
      const std::string line = entry_line(paths, entry);
      chars += utf8_length(line);
      cut = chars > max_chars && !entries.empty();
      if (cut) break;
      text += line;
      entries.push_back(entry_json(paths, entry));
      last = entry.position.empty() ? entry.path : entry.position;
    }
    const bool truncated = cut || listing.stopped != sandbox::Stopped::complete;
    text += "[" + std::to_string(entries.size()) + (entries.size() == 1 ? " entry" : " entries") + " below " +
            one_line(paths.shown({}));
    text += gaps_text(listing.unreadable, listing.too_deep, "directories");
    Json structured = {{"sandbox", handle.record.name}, {"truncated", truncated}};
    if (truncated) {
      const std::string next = paths.after(cut ? last : std::string_view(listing.next));
      text +=
          !cut && listing.stopped == sandbox::Stopped::time ? "; stopped after a while" : "; there are more";
      text += ": go on with {\"after\":" + dump_json(next) + "}";
      structured["next_after"] = next;
    }
    put_gaps(structured, listing.unreadable, listing.too_deep);
    structured["entries"] = std::move(entries);
    mcp::ToolResult result = mcp::ToolResult::text(text + "]");
    result.structured = std::move(structured);
    return result;
  }

  std::size_t max_chars_;
  std::string path_;
  std::string after_;
  sandbox::ListSpec spec_;
};

}  // namespace

mcp::ToolHandler make_list_files(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    Request request(Arguments(call->arguments()), services.limits, violations);
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(services, call,
                [call, request](const sandbox::SandboxHandle& handle) mutable { request.run(call, handle); });
  });
}

}  // namespace rexec::tools
