// Many byte patterns found in one pass, whatever the text (Aho and Corasick, CACM 18(6), 1975), behind a
// filter that skips what begins no pattern.
//
// Built once, constant afterwards, so shared without a lock. Memory is about 40 bytes for each byte of a
// pattern.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rexec::tools {

/// The filter looks at this many bytes; no pattern is shorter.
inline constexpr std::size_t kMinPatternBytes = 8;

class PatternSearch {
 public:
  struct Pattern {
    std::string bytes;
    std::uint32_t label = 0;
  };
  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::uint32_t label = 0;
  };

  /// Patterns shorter than kMinPatternBytes are left out. Of equal ones the first gives the label.
  explicit PatternSearch(std::span<const Pattern> patterns);

  std::size_t longest() const { return longest_; }
  /// Every occurrence that does not lie inside another one, by position: begins and ends both increase.
  std::vector<Match> find(std::string_view text) const;
  /// Length of the longest beginning of a pattern that `text` ends with.
  std::size_t beginning_at_end(std::string_view text) const;

 private:
  struct Node {
    std::uint32_t failure = 0;
    std::uint32_t depth = 0;
    std::uint32_t match = 0;  // length of the longest pattern that ends here; 0: none does
    std::uint32_t label = 0;
  };
  struct Edge {
    std::uint64_t key = 0;  // node and byte, plus 1; 0: free
    std::uint32_t target = 0;
  };

  std::uint32_t child(std::uint32_t node, unsigned char byte) const;
  void add_child(std::uint32_t node, unsigned char byte, std::uint32_t target);
  std::uint32_t step(std::uint32_t node, unsigned char byte) const;
  std::size_t slot(std::uint64_t key) const;

  std::vector<Node> nodes_;                 // the root is 0
  std::vector<Edge> edges_;                 // a hash table with open addressing, at most half full
  std::array<std::uint32_t, 256> first_{};  // children of the root
  std::bitset<1 << 16> beginnings_;         // hashes of the patterns' first kMinPatternBytes
  std::size_t longest_ = 0;
};

}  // namespace rexec::tools
