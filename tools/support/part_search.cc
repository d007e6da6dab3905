#include "tools/support/part_search.h"

#include <algorithm>
#include <numeric>

namespace rexec::tools {
namespace {

// More bytes would make places with much in common, as in a run of one character, slow to order.
constexpr std::size_t kOrderedBytes = 8;

}  // namespace

PartSearch::PartSearch(std::span<const std::string> texts) {
  for (const std::string& text : texts) {
    all_ += text;
    ends_.push_back(static_cast<std::uint32_t>(all_.size()));
  }
  places_.resize(all_.size());
  std::iota(places_.begin(), places_.end(), 0U);
  std::sort(places_.begin(), places_.end(), [this](std::uint32_t a, std::uint32_t b) {
    return rest(a).substr(0, kOrderedBytes) < rest(b).substr(0, kOrderedBytes);
  });
}

std::string_view PartSearch::rest(std::uint32_t place) const {
  const std::uint32_t end = *std::upper_bound(ends_.begin(), ends_.end(), place);
  return std::string_view(all_).substr(place, end - place);
}

bool PartSearch::contains(std::string_view part) const {
  if (part.empty()) return true;
  const std::string_view key = part.substr(0, kOrderedBytes);
  auto at = std::lower_bound(places_.begin(), places_.end(), key,
                             [&](std::uint32_t place, std::string_view sought) {
                               return rest(place).substr(0, key.size()) < sought;
                             });
  for (; at != places_.end() && rest(*at).starts_with(key); ++at)
    if (rest(*at).starts_with(part)) return true;
  return false;
}

}  // namespace rexec::tools
