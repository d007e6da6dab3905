// "did you mean".
#include <algorithm>
#include <array>

#include "mcp/schema_nodes.h"

namespace rexec::mcp::schema {
namespace {

constexpr std::size_t kMaxNameBytes = 64;  // longer names are not compared

// Lower case, letters and digits only: wait_s, waitS and WAIT-S are one.
std::string folded(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == '_' || c == '-' || c == ' ' || c == '.') continue;
    text.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return text;
}

// Damerau-Levenshtein distance in its restricted form: insertion, deletion, substitution, and exchange of two
// neighbours, none of which is edited again.
std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kMaxNameBytes + 1>;
  Row before_last{};
  Row last{};
  Row current{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, substituted});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = current;
  }
  return last[b.size()];
}

// "cmd" of "command": the same first and last letter, the others in order.
bool abbreviates(std::string_view brief, std::string_view full) {
  constexpr std::size_t kMinBytes = 3;
  if (brief.size() < kMinBytes || full.size() <= brief.size()) return false;
  if (brief.front() != full.front()) return false;
  if (full.substr(0, brief.size()) == brief) return true;
  if (brief.back() != full.back()) return false;
  std::size_t next = 0;
  for (const char c : full) {
    if (next < brief.size() && brief[next] == c) ++next;
  }
  return next == brief.size();
}

}  // namespace

const std::string* closest(std::string_view name, const std::vector<const std::string*>& candidates) {
  if (name.size() > kMaxNameBytes) return nullptr;
  const std::string given = folded(name);
  if (given.empty()) return nullptr;
  const std::string* best = nullptr;
  std::size_t best_score = 0;
  for (const std::string* candidate : candidates) {
    if (candidate->size() > kMaxNameBytes) continue;
    const std::string known = folded(*candidate);
    const std::size_t longest = std::max(given.size(), known.size());
    const std::size_t edits = distance(given, known);
    const std::size_t allowed = longest >= 3 ? std::max<std::size_t>(1, longest / 3) : 0;
    std::size_t score = 2 * edits;
    if (edits > 0 && abbreviates(given, known)) {
      score = 1;  // "cmd" is "command" rather than "cwd"
    } else if (edits > allowed) {
      if (!abbreviates(known, given)) continue;
    }
    if (best != nullptr && best_score <= score) continue;
    best = candidate;
    best_score = score;
  }
  return best;
}

}  // namespace rexec::mcp::schema
