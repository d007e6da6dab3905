// Whether a text lies inside of one of many texts: what PatternSearch cannot tell, since it looks for whole
// ones and for their beginnings.
//
// Built once, constant afterwards, so shared without a lock. Memory is five bytes for each byte of a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rexec::tools {

class PartSearch {
 public:
  explicit PartSearch(std::span<const std::string> texts);

  /// Whether `part` is a part of one of the texts, or all of it.
  bool contains(std::string_view part) const;

 private:
  std::string_view rest(std::uint32_t place) const;

  std::string all_;                    // the texts, one after the other
  std::vector<std::uint32_t> ends_;    // of each in all_
  std::vector<std::uint32_t> places_;  // in all_, ordered by the few bytes that stand there
};

}  // namespace rexec::tools
