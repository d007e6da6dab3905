#include "mcp/page.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/encoding.h"

namespace rexec::mcp {
namespace {

/// Only what next_cursor() gives.
std::optional<std::size_t> parse_cursor(const Json& cursor, std::string_view name, std::size_t size) {
  if (!cursor.is_string()) return std::nullopt;
  const auto text = base64url_decode(cursor.get_ref<const std::string&>());
  const std::string prefix = std::string(name) + ":";
  if (!text || !text->starts_with(prefix)) return std::nullopt;
  std::size_t first = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data() + prefix.size(), end, first);
  if (error != std::errc() || stop != end || first == 0 || first % size != 0) return std::nullopt;
  return first;
}

}  // namespace

RpcResult<Page> read_page(const Request& request, std::string_view name, std::size_t size,
                          std::size_t entries) {
  const Json* cursor = find(request.params, "cursor");
  if (!cursor || cursor->is_null()) return Page{name, size, 0};
  const auto first = parse_cursor(*cursor, name, size);
  if (!first || *first >= entries) {
    return RpcError{kInvalidParams, "params.cursor is not one that " + request.method + " has given",
                    nullptr};
  }
  return Page{name, size, *first};
}

Json make_page(const Page& page, Json entries) {
  const std::size_t begin = std::min(page.first, entries.size());
  const std::size_t end = begin + std::min(page.size, entries.size() - begin);
  Json shown = Json::array();
  for (std::size_t i = begin; i < end; ++i) shown.push_back(std::move(entries[i]));
  Json result = Json::object();
  result[std::string(page.name)] = std::move(shown);
  if (end < entries.size()) result["nextCursor"] = next_cursor(page);
  return result;
}

std::string next_cursor(const Page& page) {
  return base64url_encode(std::string(page.name) + ":" + std::to_string(page.first + page.size));
}

}  // namespace rexec::mcp
