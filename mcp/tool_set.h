// The tools of a server: their schemas compiled, their entries of tools/list made once.
//
// Constant after construction, so shared without a lock.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "mcp/protocol_version.h"
#include "mcp/schema.h"
#include "mcp/tool.h"

namespace rexec::mcp {

struct ToolEntry {
  std::string name;
  Json published;  // name, title, description, inputSchema, outputSchema, annotations, _meta: what the file
                   // has
  std::shared_ptr<const Schema> input;
  std::shared_ptr<const Schema> output;  // null when none is declared
  ToolHandler handler;
};

class ToolSet {
 public:
  /// Errors: a file that is no tool description, a schema that does not compile, a name used twice.
  static Result<ToolSet> make(std::vector<Tool> tools);

  const ToolEntry* find(std::string_view name) const;
  /// 'unknown tool "x"', with the names that are like it.
  std::string unknown_tool(std::string_view name) const;

  std::size_t size() const { return entries_.size(); }
  /// Entries `first` … `first + count` in order of name, as clients of `version` know them.
  Json list(std::size_t first, std::size_t count, ProtocolVersion version) const;

 private:
  std::vector<ToolEntry> entries_;  // sorted by name
};

}  // namespace rexec::mcp
