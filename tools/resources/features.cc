#include "tools/resources/features.h"

namespace rexec::tools {

mcp::Features make_features(const Services& services) {
  return {make_resources(services), make_prompts(services), make_completer(services)};
}

}  // namespace rexec::tools
