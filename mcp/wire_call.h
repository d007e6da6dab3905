// A tools/call request: from admission to the pool, through rounds of questions, to its answer in the form of
// the client's era and version.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "mcp/request.h"
#include "mcp/tool_call.h"

namespace rexec::mcp {

/// What a call continues from: nothing, or the answers to a modern input_required result.
struct CallStart {
  Json arguments;  // as they were sent; an object
  std::map<std::string, Json> responses;
  Json state;
  std::size_t round = 0;
};

/// Returns at once; everything that can go wrong is an answer to the request.
void start_wire_call(std::shared_ptr<ServerCore> core, const ToolEntry& tool, Request request,
                     CallStart start);

}  // namespace rexec::mcp
