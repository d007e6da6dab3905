// Pages of a list: opaque cursors that name where the next one begins.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "base/json.h"
#include "mcp/request.h"

namespace rexec::mcp {

struct Page {
  std::string_view name;  // of the list: the member of the result that holds it
  std::size_t size = 0;   // entries of one page
  std::size_t first = 0;
};

/// The page that `request` asks for: the first one without a cursor. -32602 for a cursor that no page of this
/// name and size has given, or that is not within `entries`. Of a list that changes from request to request
/// `entries` is left out: when it has become shorter, the last page is empty.
RpcResult<Page> read_page(const Request& request, std::string_view name, std::size_t size,
                          std::size_t entries = std::numeric_limits<std::size_t>::max());

/// {name: the page's part of `entries`}, with nextCursor when there are more.
Json make_page(const Page& page, Json entries);

/// The cursor of the page behind this one.
std::string next_cursor(const Page& page);

}  // namespace rexec::mcp
