// Completion as the protocol sees it: values for an argument of a prompt or a variable of a resource
// template.
//
// Source: MCP, server utilities, "Completion" (all revisions; the other arguments from 2025-06-18).
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "mcp/inquiry.h"

namespace rexec::mcp {

inline constexpr std::size_t kMaxCompletionValues = 100;  // of one answer; the protocol's bound

struct CompletionQuery {
  enum class Of { prompt, resource_template };
  Of of = Of::prompt;
  std::string name;                          // of the prompt; or the URI template
  std::string argument;                      // one that it has
  std::string value;                         // what was typed so far
  std::map<std::string, std::string> known;  // arguments that have their value already
};

/// Thread-safe.
class Completer {
 public:
  virtual ~Completer() = default;
  /// Every candidate, the likeliest first; those that do not begin with the value are left out afterwards.
  virtual void complete(const Inquiry& inquiry, CompletionQuery query,
                        Reply<std::vector<std::string>> reply) = 0;
};

}  // namespace rexec::mcp
