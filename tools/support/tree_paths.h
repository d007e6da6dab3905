// Paths below a directory as callers see them: with the path of that directory as it was given, so that they
// can be given back unchanged.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace rexec::tools {

class TreePaths {
 public:
  /// `given`: the argument; `resolved`: what it means in the sandbox.
  TreePaths(std::string given, std::string resolved);

  /// Of a path relative to the directory; empty: the path itself.
  std::string shown(std::string_view relative) const;
  /// What stands in `after`: a path as shown or absolute, "base64:" and the bytes of one as shown, or
  /// "position:" and what follows the "/" of a position (ListEntry). nullopt when it is not below the
  /// directory.
  std::optional<std::string> relative(std::string_view after) const;
  /// What relative() takes back to exactly this, a path or a position.
  std::string after(std::string_view relative) const;
  /// Puts path, and path_base64 where needed, into `json`.
  void put(Json& json, std::string_view relative) const;

  const std::string& prefix() const { return prefix_; }

 private:
  std::string given_;
  std::string prefix_;
  std::string absolute_prefix_;
};

/// A name in a line of text: valid UTF-8 without control characters, which U+FFFD replaces.
std::string one_line(std::string_view text);

}  // namespace rexec::tools
