// Arguments of a call, typed. They were validated against the tool's schema before the handler runs, so
// reading one cannot fail; what schemas cannot say is checked here, with violations in the format of the
// schema's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "base/json.h"
#include "mcp/tool.h"
#include "tools/services.h"

namespace rexec::tools {

using Violations = std::vector<mcp::Violation>;
using StringPairs = std::vector<std::pair<std::string, std::string>>;

class Arguments {
 public:
  /// `arguments` outlives this: the call keeps it.
  explicit Arguments(const Json& arguments) : arguments_(arguments) {}

  bool has(std::string_view key) const { return find(arguments_, key) != nullptr; }
  std::string text(std::string_view key, std::string_view fallback = {}) const;
  std::optional<std::string> optional_text(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t fallback) const;
  std::size_t size(std::string_view key, std::size_t fallback) const;
  std::optional<double> number(std::string_view key) const;
  bool flag(std::string_view key, bool fallback = false) const;
  /// A number of seconds, at most a hundred years.
  std::optional<Duration> seconds(std::string_view key) const;
  StringPairs string_map(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;  // of an array

  /// The characters that the answer's text may have: max_chars within the configured bound.
  std::size_t max_chars(const ToolLimits& limits) const;

 private:
  const Json& arguments_;
};

inline constexpr std::size_t kMaxPathBytes = 4095;        // PATH_MAX - 1
inline constexpr std::size_t kMaxCommandBytes = 131'071;  // MAX_ARG_STRLEN - 1, execve(2)

/// Adds what is wrong with a path (empty, too long, NUL inside); an absent one is fine.
void check_path(const Arguments& arguments, std::string_view key, Violations& violations);
/// Adds what is wrong with a command line (NUL inside, too long); an absent one is fine.
void check_command(const Arguments& arguments, std::string_view key, Violations& violations);
/// Adds what is wrong with an object that becomes environment variables.
void check_environment(const Arguments& arguments, std::string_view key, Violations& violations);
/// Text or base64 in `key`, as `encoding` says; adds a violation and returns nothing when it is not base64.
std::string decode_content(const Arguments& arguments, std::string_view key, Violations& violations);

/// `letter` and a number from 1 on, without leading zeros.
std::optional<std::uint64_t> parse_numbered_name(std::string_view name, char letter);
/// "p7" as 7; anything else adds a violation.
std::uint64_t process_number(const Arguments& arguments, std::string_view key, Violations& violations);
std::optional<std::uint64_t> parse_process_name(std::string_view name);
std::string process_name(std::uint64_t number);

/// A value as it is shown in messages: in quotes, cut at 80 characters.
std::string in_quotes(std::string_view value);

}  // namespace rexec::tools
