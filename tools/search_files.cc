// search_files: lines of files that match a regular expression.
#include <re2/re2.h>

#include <map>
#include <utility>

#include "base/utf8.h"
#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/tree_failure.h"
#include "tools/support/tree_paths.h"

namespace rexec::tools {
namespace {

std::string match_text(const sandbox::SearchMatch& match) {
  return (match.cut_before ? "…" : "") + to_valid_utf8(match.text) + (match.cut_after ? "…" : "");
}

Json lines_json(const std::vector<std::string>& lines) {
  Json json = Json::array();
  for (const std::string& line : lines) json.push_back(to_valid_utf8(line));
  return json;
}

Json match_json(const TreePaths& paths, const sandbox::SearchMatch& match) {
  Json json = {{"line", match.line}, {"text", match_text(match)}};
  paths.put(json, match.path);
  if (!match.before.empty()) json["before"] = lines_json(match.before);
  if (!match.after.empty()) json["after"] = lines_json(match.after);
  return json;
}

/// The lines of one file, each once, in order: "12:a match", "13-context", "--" where some are left out.
class FileLines {
 public:
  void add(const sandbox::SearchMatch& match) {
    std::uint64_t number = match.line - match.before.size();
    for (const std::string& line : match.before) lines_.try_emplace(number++, "-" + one_line(line));
    lines_[match.line] = ":" + one_line(match_text(match));
    number = match.line;
    for (const std::string& line : match.after) lines_.try_emplace(++number, "-" + one_line(line));
    gaps_ = gaps_ || !match.before.empty() || !match.after.empty();
  }

  std::string text() const {
    std::string text;
    std::uint64_t last = 0;
    for (const auto& [number, line] : lines_) {
      if (gaps_ && last != 0 && number != last + 1) text += "--\n";
      text += std::to_string(number) + line + "\n";
      last = number;
    }
    return text;
  }

 private:
  std::map<std::uint64_t, std::string> lines_;
  bool gaps_ = false;  // between groups of lines they are marked
};

struct SearchRequest {
  std::string path;
  sandbox::SearchSpec spec;
};

SearchRequest read_search_arguments(const Arguments& arguments, Violations& violations) {
  SearchRequest request;
  check_path(arguments, "path", violations);
  request.path = arguments.text("path", "~");
  sandbox::SearchSpec& spec = request.spec;
  spec.pattern = arguments.text("pattern");
  spec.glob = arguments.text("glob");
  spec.ignore_case = arguments.flag("ignore_case");
  spec.context_lines = arguments.size("context_lines", 0);
  spec.limit = arguments.size("limit", spec.limit);
  RE2::Options options;
  options.set_log_errors(false);
  if (const RE2 expression(spec.pattern, options); !expression.ok()) {
    violations.push_back({"/pattern", in_quotes(spec.pattern) +
                                          " is not an RE2 regular expression: " + expression.error() +
                                          " (RE2 has no look-around and no back-references)"});
  }
  return request;
}

std::string summary(const sandbox::SearchResult& found, std::size_t shown, bool cut) {
  std::string text = "[" + std::to_string(shown) + (shown == 1 ? " match in " : " matches in ") +
                     std::to_string(found.files) + (found.files == 1 ? " file" : " files") + " searched";
  if (found.binary > 0) text += "; " + std::to_string(found.binary) + " binary skipped";
  if (found.long_lines > 0) {
    text += "; " + std::to_string(found.long_lines) + " long lines searched only in their first 32 KiB";
  }
  text += gaps_text(found.unreadable, found.too_deep, "files or directories");
  if (!cut && found.stopped == sandbox::Stopped::time) {
    text += "; stopped for lack of time: search a smaller path, or with a glob";
  } else if (cut || found.stopped != sandbox::Stopped::complete) {
    text += "; there are more: narrow pattern, path or glob";
    if (!cut && found.stopped == sandbox::Stopped::limit) text += ", or raise limit";
  }
  return text + "]";
}

mcp::ToolResult present(const sandbox::SandboxHandle& handle, const TreePaths& paths,
                        const sandbox::SearchResult& found, std::size_t max_chars) {
  Json matches = Json::array();
  std::string text;
  std::size_t chars = 0;
  bool cut = false;
  const auto& all = found.matches;
  for (std::size_t i = 0; i < all.size() && !cut;) {
    FileLines lines;
    const std::string heading = one_line(paths.shown(all[i].path)) + "\n";
    std::string body;
    const std::size_t first = i;
    for (; i < all.size() && all[i].path == all[first].path; ++i) {
      lines.add(all[i]);
      std::string longer = lines.text();
      cut = chars + utf8_length(heading) + utf8_length(longer) > max_chars && !matches.empty();
      if (cut) break;
      body = std::move(longer);
      matches.push_back(match_json(paths, all[i]));
    }
    if (body.empty()) break;
    text += heading + body;
    chars += utf8_length(heading) + utf8_length(body);
  }
  text += summary(found, matches.size(), cut);
  mcp::ToolResult result = mcp::ToolResult::text(std::move(text));
  Json structured = {{"sandbox", handle.record.name},
                     {"files_searched", found.files},
                     {"truncated", cut || found.stopped != sandbox::Stopped::complete},
                     {"matches", std::move(matches)}};
  if (found.binary > 0) structured["binary_skipped"] = found.binary;
  if (found.long_lines > 0) structured["long_lines"] = found.long_lines;
  put_gaps(structured, found.unreadable, found.too_deep);
  result.structured = std::move(structured);
  return result;
}

void search(const std::shared_ptr<mcp::ToolCall>& call, const sandbox::SandboxHandle& handle,
            SearchRequest request, std::size_t max_chars) {
  request.spec.path = sandbox::resolve_path(request.path, handle.record.home, handle.record.cwd);
  handle.runner->search_files(
      request.spec, call->op(), [call, handle, request, max_chars](Result<sandbox::SearchResult> found) {
        if (!found) return fail_tree(call, handle, request.spec.path, found.error());
        call->defer([=, result = std::make_shared<const sandbox::SearchResult>(*std::move(found))] {
          const TreePaths paths(request.path, request.spec.path);
          reply_from(handle, *call, present(handle, paths, *result, max_chars));
        });
      });
}

}  // namespace

mcp::ToolHandler make_search_files(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    SearchRequest request = read_search_arguments(Arguments(call->arguments()), violations);
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(services, call,
                [call, request = std::move(request), max_chars = services.limits.default_chars](
                    const sandbox::SandboxHandle& handle) { search(call, handle, request, max_chars); });
  });
}

}  // namespace rexec::tools
