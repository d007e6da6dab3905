// Hides secrets in bytes that leave a sandbox, wherever the caller chooses to look.
//
// A mask is as long as what it hides: "[secret NAME]", filled up with asterisks before the bracket;
// "[******]" where that does not fit; line ends stay. So offsets, sizes, lines and cursors mean the same in
// the masked bytes as in those of the sandbox, and the masked form of a stream is a function of the stream:
// each byte depends on at most context() bytes on either side. Whoever masks a window together with that
// context gets the same bytes as whoever masks everything, so no choice of windows shows more than another
// one.
//
// Found are the forms of secret_patterns(), also when any of their characters are percent-encoded (RFC 3986,
// either case), and when they are broken into lines of at least 16 characters of base64. This guards against
// leaks by accident. It is no wall: a program can print a secret in a form that nobody expects.
//
// Constant after construction, so shared without a lock.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/support/part_search.h"
#include "tools/support/pattern_search.h"

namespace rexec::tools {

inline constexpr std::size_t kMinSecretBytes = kMinPatternBytes;
inline constexpr std::size_t kMaxSecretBytes = 4096;
/// Of all secrets together.
inline constexpr std::size_t kMaxSecretsBytes = 32 << 10;
/// The shortest part of a secret that is hidden where the bytes beside it cannot be known.
inline constexpr std::size_t kMinFragmentBytes = 4;

struct Secret {
  std::string name;
  std::string value;
};

/// Which sides of a text may continue a secret although nobody can tell: output that is still being written,
/// or that is no longer kept.
struct OpenEdges {
  bool before = false;
  bool after = false;
};

class Masker {
 public:
  /// Values shorter than kMinSecretBytes are not hidden.
  explicit Masker(std::vector<Secret> secrets);

  /// Bytes on either side of a window that decide about it, less than 256 KiB.
  std::size_t context() const;
  /// Lines on either side of a line that nearly always decide about it. Where they do not, narrow base64 or a
  /// value of many short lines, an edge has to be open.
  std::size_t context_lines() const { return context_lines_; }
  /// Masks in place; the size stays. At an open edge also what may be part of a secret.
  void mask(std::string& text, OpenEdges open = {}) const;

 private:
  std::vector<std::string> names_;
  PatternSearch search_;
  PatternSearch backward_;  // the same patterns from their ends, for edges
  PartSearch parts_;        // their insides, for texts between two open edges
  std::size_t context_lines_;
};

/// The first mask in `text` that stands for one of the secrets `names`, or that has asterisks alone.
std::optional<std::string_view> find_mask(std::string_view text, std::span<const std::string> names);

}  // namespace rexec::tools
