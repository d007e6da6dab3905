#include "mcp/methods.h"

#include <utility>

namespace rexec::mcp {

void MethodTable::add(std::string_view method, Eras eras, Handler handler) {
  if (eras != Eras::modern) legacy_.emplace(method, handler);
  if (eras != Eras::legacy) modern_.emplace(method, std::move(handler));
}

void MethodTable::add(const std::shared_ptr<const ServerCore>& core, std::string_view method, Eras eras,
                      QuickHandler handler) {
  add(method, eras, [core, handler = std::move(handler)](const Request& request) {
    answer(*core, request, handler(request));
  });
}

const MethodTable::Handler* MethodTable::find(Era era, std::string_view method) const {
  const Handlers& handlers = era == Era::modern ? modern_ : legacy_;
  const auto found = handlers.find(method);
  return found == handlers.end() ? nullptr : &found->second;
}

}  // namespace rexec::mcp
