// The methods of the server, one small handler each, in a table per era. A feature (tools, resources, …) is a
// source that adds its methods and declares its capability in the same breath, so that what is declared and
// what is served cannot differ.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "mcp/request.h"

namespace rexec::mcp {

class MethodTable {
 public:
  /// Answers the request, now or later. Runs on the thread that received it.
  using Handler = std::function<void(Request)>;
  /// Of what is answered at once.
  using QuickHandler = std::function<RpcResult<Json>(const Request&)>;
  enum class Eras { legacy, modern, both };

  void add(std::string_view method, Eras eras, Handler handler);
  void add(const std::shared_ptr<const ServerCore>& core, std::string_view method, Eras eras,
           QuickHandler handler);
  const Handler* find(Era era, std::string_view method) const;

  /// Member of ServerCapabilities in both eras.
  void declare(const std::string& capability, Json details) {
    capabilities_[capability] = std::move(details);
  }
  const Json& capabilities() const { return capabilities_; }

 private:
  using Handlers = std::map<std::string, Handler, std::less<>>;
  Handlers legacy_;
  Handlers modern_;
  Json capabilities_ = Json::object();
};

/// initialize, server/discover, ping, logging/setLevel. `table` outlives its handlers.
void add_lifecycle_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core);
/// tools/list, tools/call.
void add_tool_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core);
/// resources/list, resources/templates/list, resources/read; resources/subscribe and unsubscribe.
void add_resource_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core);
/// prompts/list, prompts/get.
void add_prompt_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core);
/// completion/complete.
void add_completion_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core);
/// subscriptions/listen.
void add_subscription_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core);

}  // namespace rexec::mcp
