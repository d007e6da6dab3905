// Where answers leave: every tool's handler gets a call whose texts are masked on their way out.
#pragma once

#include <vector>

#include "mcp/tool.h"
#include "tools/secrets.h"

namespace rexec::tools {

/// The same tools, answering with secrets hidden: in texts, structured values and their names, progress,
/// violations and questions. Images are passed on as they are. Without secrets the tools are unchanged.
/// `secrets` outlives them.
std::vector<mcp::Tool> with_masked_answers(Secrets* secrets, std::vector<mcp::Tool> tools);

}  // namespace rexec::tools
