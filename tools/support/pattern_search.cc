#include "tools/support/pattern_search.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace rexec::tools {
namespace {

constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio (Knuth, TAOCP 3, 6.4)

std::size_t beginning_hash(const char* bytes) {
  std::uint64_t word = 0;
  static_assert(sizeof word == kMinPatternBytes);
  std::memcpy(&word, bytes, sizeof word);
  return static_cast<std::size_t>((word * kMultiplier) >> 48);
}

std::uint64_t edge_key(std::uint32_t node, unsigned char byte) {
  return ((std::uint64_t{node} << 8) | byte) + 1;
}

}  // namespace

PatternSearch::PatternSearch(std::span<const Pattern> patterns) : nodes_(1) {
  std::size_t total = 0;
  for (const Pattern& pattern : patterns) total += pattern.bytes.size();
  std::size_t slots = 16;
  while (slots < 2 * (total + 1)) slots *= 2;
  edges_.resize(slots);

  std::vector<std::pair<std::uint32_t, unsigned char>> origins(1);  // parent and byte of each node
  for (const Pattern& pattern : patterns) {
    if (pattern.bytes.size() < kMinPatternBytes) continue;
    longest_ = std::max(longest_, pattern.bytes.size());
    beginnings_.set(beginning_hash(pattern.bytes.data()));
    std::uint32_t node = 0;
    for (const char c : pattern.bytes) {
      const auto byte = static_cast<unsigned char>(c);
      std::uint32_t next = child(node, byte);
      if (next == 0) {
        next = static_cast<std::uint32_t>(nodes_.size());
        Node made;
        made.depth = nodes_[node].depth + 1;
        nodes_.push_back(made);
        origins.emplace_back(node, byte);
        add_child(node, byte, next);
      }
      node = next;
    }
    if (nodes_[node].match != 0) continue;
    nodes_[node].match = nodes_[node].depth;
    nodes_[node].label = pattern.label;
  }

  // A node's failure is shallower than the node, so nodes are completed by depth.
  std::vector<std::uint32_t> order(nodes_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [this](auto a, auto b) { return nodes_[a].depth < nodes_[b].depth; });
  for (const std::uint32_t index : order) {
    Node& node = nodes_[index];
    if (node.depth < 2) continue;
    const auto [parent, byte] = origins[index];
    node.failure = step(nodes_[parent].failure, byte);
    if (node.match != 0) continue;
    node.match = nodes_[node.failure].match;
    node.label = nodes_[node.failure].label;
  }
}

std::size_t PatternSearch::slot(std::uint64_t key) const {
  const std::size_t mask = edges_.size() - 1;
  auto at = static_cast<std::size_t>((key * kMultiplier) >> 20) & mask;
  while (edges_[at].key != 0 && edges_[at].key != key) at = (at + 1) & mask;
  return at;
}

std::uint32_t PatternSearch::child(std::uint32_t node, unsigned char byte) const {
  return node == 0 ? first_[byte] : edges_[slot(edge_key(node, byte))].target;
}

void PatternSearch::add_child(std::uint32_t node, unsigned char byte, std::uint32_t target) {
  if (node == 0) {
    first_[byte] = target;
    return;
  }
  const std::uint64_t key = edge_key(node, byte);
  edges_[slot(key)] = {key, target};
}

std::uint32_t PatternSearch::step(std::uint32_t node, unsigned char byte) const {
  for (;; node = nodes_[node].failure) {
    const std::uint32_t next = child(node, byte);
    if (next != 0 || node == 0) return next;
  }
}

std::vector<PatternSearch::Match> PatternSearch::find(std::string_view text) const {
  std::vector<Match> matches;
  std::size_t at = 0;  // nothing begins before it that has not been found
  while (at + kMinPatternBytes <= text.size()) {
    if (!beginnings_.test(beginning_hash(text.data() + at))) {
      ++at;
      continue;
    }
    std::uint32_t node = 0;
    std::size_t read = at;
    for (;;) {
      if (read == text.size()) return matches;
      node = step(node, static_cast<unsigned char>(text[read++]));
      const Node& state = nodes_[node];
      if (state.match != 0) {
        const Match match{read - state.match, read, state.label};
        while (!matches.empty() && matches.back().begin >= match.begin) matches.pop_back();
        matches.push_back(match);
      }
      // What is still possible begins at read - depth. If that is little, the filter tells faster.
      if (state.depth < kMinPatternBytes && read - state.depth > at) {
        at = read - state.depth;
        break;
      }
    }
  }
  return matches;
}

std::size_t PatternSearch::beginning_at_end(std::string_view text) const {
  std::uint32_t node = 0;
  for (const char c : text.substr(text.size() - std::min(text.size(), longest_))) {
    node = step(node, static_cast<unsigned char>(c));
  }
  return nodes_[node].depth;
}

}  // namespace rexec::tools
