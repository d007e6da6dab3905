// Any bytes as the lines of one connection: the server must survive them, and every message that it sends
// must be one line of JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/log.h"
#include "mcp/server.h"
#include "transport/transport.h"

namespace {

using namespace rexec;

constexpr std::string_view kTool =
    R"({"name": "tool", "description": "d", "inputSchema": {"type": "object", "properties": {
        "text": {"type": "string"}, "count": {"type": "integer"}, "ask": {"type": "boolean"}}},
        "outputSchema": {"type": "object"}})";

void handle(const std::shared_ptr<mcp::ToolCall>& call) {
  call->progress("step");
  if (find_bool(call->arguments(), "ask").value_or(false) && call->input_responses().empty()) {
    return call->ask({{"name", mcp::InputRequest{"elicitation/create", Json{{"message", "?"}}}}},
                     call->arguments());
  }
  mcp::ToolResult result = mcp::ToolResult::text(dump_json(call->arguments()));
  result.structured = call->arguments();
  call->reply(std::move(result));
}

WorkerPool& pool() {
  static WorkerPool workers({1, 1024});
  return workers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  configure_log(LogLevel::off, LogFormat::text, 2);
  const auto server = mcp::make_server({}, {mcp::Tool{kTool, handle}}, pool()).value();
  const auto connection = transport::connect_in_memory(*server, "fuzz");
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    connection->send(std::string(line));
    text.remove_prefix(line.size());
    if (!text.empty()) text.remove_prefix(1);
  }
  server->shutdown();
  if (!server->wait_idle(Op{{}, Deadline::after(std::chrono::seconds(10))})) std::abort();
  while (const auto message = connection->receive(Deadline::after(Duration::zero()))) {
    if (message->find('\n') != std::string::npos || !parse_json(*message)) std::abort();
  }
  return 0;
}
