// Schema validator: no schema and no instance may crash it, a valid instance is left alone by normalise(),
// and what normalise() makes valid is final. The first line of the input is the schema, the rest the
// instance.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mcp/schema.h"

using rexec::Json;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto split = input.find('\n');
  const auto document = rexec::parse_json(input.substr(0, split));
  if (!document) return 0;
  const auto schema = rexec::mcp::compile_schema(*document);
  if (!schema || split == input.npos) return 0;
  const auto instance = rexec::parse_json(input.substr(split + 1));
  if (!instance) return 0;

  const auto violations = schema.value()->validate(*instance);
  const std::string text = rexec::mcp::describe_violations("tool", violations);
  if (violations.empty() && text.empty()) std::abort();
  const Json normalised = schema.value()->normalise(*instance);
  if (violations.empty() && rexec::dump_json(normalised) != rexec::dump_json(*instance)) std::abort();
  if (!schema.value()->validate(normalised).empty()) return 0;
  const Json again = schema.value()->normalise(normalised);
  if (rexec::dump_json(again) != rexec::dump_json(normalised)) std::abort();
  if (!schema.value()->validate(again).empty()) std::abort();
  return 0;
}
