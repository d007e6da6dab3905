// Prompts as the protocol sees them: named texts that a person chooses, with arguments.
//
// Source: MCP, server features, "Prompts" (all revisions).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mcp/inquiry.h"

namespace rexec::mcp {

struct PromptArgument {
  std::string name;
  std::string title;
  std::string description;
  bool required = false;
};

struct PromptMessage {
  enum class Role { user, assistant };
  Role role = Role::user;
  std::string text;
};

struct PromptResult {
  std::string description;
  std::vector<PromptMessage> messages;
};

/// By name; only arguments that the prompt declares, and every required one.
using PromptArguments = std::map<std::string, std::string>;

struct Prompt {
  std::string name;
  std::string title;
  std::string description;
  std::vector<PromptArgument> arguments;
  /// not_found and invalid_argument are answered as invalid params.
  std::function<void(const Inquiry& inquiry, PromptArguments arguments, Reply<PromptResult> reply)> handler;
};

}  // namespace rexec::mcp
