// The part of runner_messages.h about trees.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "sandbox-client/runner_messages.h"

namespace rexec::sandbox {
namespace {

Status check_length(std::string_view what, std::string_view text, std::size_t max) {
  if (text.size() <= max) return {};
  return Error{ErrorCode::invalid_argument, "the " + std::string(what) + " has " +
                                                std::to_string(text.size()) + " bytes; at most " +
                                                std::to_string(max) + " are possible"};
}

Stopped stopped_from_wire(runner::Stopped stopped) {
  switch (stopped) {
    case runner::Stopped::complete:
      return Stopped::complete;
    case runner::Stopped::limit:
      return Stopped::limit;
    case runner::Stopped::size:
      return Stopped::size;
    case runner::Stopped::time:
      return Stopped::time;
  }
  return Stopped::complete;
}

/// A path below the root: neither absolute, nor leading out, nor empty.
bool is_below_root(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) return false;
  for (std::string_view rest = path;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace

Result<runner::ListFiles> to_wire(const ListSpec& spec, const RunnerSettings& settings) {
  runner::ListFiles list;
  ASSIGN_OR_RETURN(list.path, checked_path(spec.path, settings));
  RETURN_IF_ERROR(check_length("glob", spec.glob, runner::kMaxGlob));
  RETURN_IF_ERROR(check_length("path to go on behind", spec.after, runner::kMaxPath));
  if (spec.after.starts_with('/')) {
    return Error{ErrorCode::invalid_argument, "there is no such position to go on behind; list without it"};
  }
  list.glob = spec.glob;
  list.depth = static_cast<std::uint32_t>(std::min<std::size_t>(spec.depth, runner::kMaxTreeDepth));
  list.hidden = spec.hidden;
  list.limit = static_cast<std::uint32_t>(std::min(spec.limit, runner::kMaxListed));
  list.after = spec.after;
  list.max_ms = std::min(milliseconds(spec.time), runner::kMaxTreeMs);
  return list;
}

Result<runner::SearchFiles> to_wire(const SearchSpec& spec, const RunnerSettings& settings) {
  runner::SearchFiles search;
  ASSIGN_OR_RETURN(search.path, checked_path(spec.path, settings));
  RETURN_IF_ERROR(check_length("glob", spec.glob, runner::kMaxGlob));
  RETURN_IF_ERROR(check_length("pattern", spec.pattern, runner::kMaxPattern));
  search.pattern = spec.pattern;
  search.glob = spec.glob;
  search.ignore_case = spec.ignore_case;
  search.context_lines = static_cast<std::uint32_t>(std::min(spec.context_lines, runner::kMaxContextLines));
  search.limit = static_cast<std::uint32_t>(std::min(spec.limit, runner::kMaxMatches));
  search.max_ms = std::min(milliseconds(spec.time), runner::kMaxTreeMs);
  return search;
}

std::optional<Listing> from_wire(runner::Listing&& listing, const runner::ListFiles& asked) {
  if (listing.entries.size() > asked.limit) return std::nullopt;
  Listing result;
  result.entries.reserve(listing.entries.size());
  std::string_view last = asked.after;
  for (runner::ListedFile& entry : listing.entries) {
    if (!is_below_root(entry.path) || entry.path <= last) return std::nullopt;
    result.entries.push_back({std::move(entry.path), *from_wire(std::move(entry.info))});
    last = result.entries.back().path;
  }
  result.stopped = stopped_from_wire(listing.stopped);
  if (result.stopped != Stopped::complete) {
    if (listing.next < last) return std::nullopt;
    result.next = std::move(listing.next);
  }
  result.unreadable = listing.gaps.unreadable;
  result.too_deep = listing.gaps.too_deep;
  return result;
}

std::optional<SearchResult> from_wire(runner::SearchResult&& result, const runner::SearchFiles& asked) {
  if (result.matches.size() > asked.limit) return std::nullopt;
  SearchResult found;
  found.matches.reserve(result.matches.size());
  for (runner::SearchMatch& match : result.matches) {
    if (!match.path.empty() && !is_below_root(match.path)) return std::nullopt;
    if (match.line == 0 ||
        match.before.size() > std::min<std::uint64_t>(asked.context_lines, match.line - 1) ||
        match.after.size() > asked.context_lines)
      return std::nullopt;
    found.matches.push_back({std::move(match.path), match.line, std::move(match.text), match.cut_before,
                             match.cut_after, std::move(match.before), std::move(match.after)});
  }
  found.stopped = stopped_from_wire(result.stopped);
  found.files = result.files;
  found.binary = result.binary;
  found.long_lines = result.long_lines;
  found.unreadable = result.gaps.unreadable;
  found.too_deep = result.gaps.too_deep;
  return found;
}

Error explain_tree(const runner::Failure& failure, const std::string& path) {
  if (failure.step == "glob")
    return {ErrorCode::invalid_argument, "the glob cannot be used: " + quotable(failure.text)};
  if (failure.step == "pattern")
    return {ErrorCode::invalid_argument,
            "the pattern is not a regular expression in RE2 syntax: " + quotable(failure.text)};
  if (failure.step == "type") return {ErrorCode::invalid_argument, quotable(failure.text)};
  if (failure.step == "limit" || failure.step == "work")
    return {failure.number == ETIMEDOUT ? ErrorCode::deadline_exceeded : ErrorCode::resource_exhausted,
            quotable(failure.text)};
  return explain_file(failure, path);
}

}  // namespace rexec::sandbox
