#include "base/similar.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace rexec {
namespace {

constexpr std::size_t kMaxSuggestions = 3;
constexpr std::size_t kMaxName = 128;
constexpr std::size_t kMinPart = 3;  // shorter names are part of too many others

bool contains(std::string_view whole, std::string_view part) {
  return part.size() >= kMinPart && whole.find(part) != std::string_view::npos;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({diagonal + 1, row[j] + 1, replaced});
    }
  }
  return row.back();
}

std::vector<std::string> similar_names(std::string_view name, const std::vector<std::string>& candidates) {
  if (name.empty() || name.size() > kMaxName) return {};
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    const bool close = distance <= 1 + candidate.size() / 4 && distance < candidate.size();
    if (close || contains(candidate, name) || contains(name, candidate))
      near.emplace_back(distance, candidate);
  }
  std::ranges::sort(near);
  std::vector<std::string> names;
  for (const auto& [distance, candidate] : near) {
    if (names.size() == kMaxSuggestions) break;
    names.emplace_back(candidate);
  }
  return names;
}

std::string quoted_alternatives(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += '"' + names[i] + '"';
  }
  return text;
}

}  // namespace rexec
