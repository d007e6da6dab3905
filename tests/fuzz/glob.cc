// Any pattern and path, separated by the first newline: compiling and matching end, in time proportional to
// pattern times path; what matches lies below directories that may hold matches; hidden files only add.
#include <cstdlib>

#include "sandbox-client/runner/glob.h"
#include "sandbox-client/runner/wire_tree.h"

using rexec::runner::Glob;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t newline = bytes.find('\n');
  if (newline == std::string_view::npos || newline > rexec::runner::kMaxGlob) return 0;
  const std::string_view pattern = bytes.substr(0, newline);
  const std::string_view path = bytes.substr(newline + 1).substr(0, rexec::runner::kMaxPath);
  std::string error;
  const auto shown = Glob::compile(pattern, false, error);
  const auto all = Glob::compile(pattern, true, error);
  if (shown.has_value() != all.has_value() || (!shown && error.empty())) std::abort();
  if (!shown) return 0;
  if (shown->matches(path) && !all->matches(path)) std::abort();
  if (!all->matches(path)) return 0;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1))
    if (!all->may_match_below(path.substr(0, slash))) std::abort();
  return 0;
}
