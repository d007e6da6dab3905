// Patterns for paths, as gitignore(5) and ripgrep have them.
//
//   *        any characters but "/"            ?       one of them
//   [a-z]    one of a set, [!a-z] or [^a-z] one that is not; never "/"
//   {a,b}    one of several; may be nested      \x      x itself
//   **       as a whole component: any number of components, none included at the start and in the middle
//            ("**/x", "a/**/b"), at least one at the end ("a/**")
//
// A pattern without "/" is for names at any depth ("*.c"); one with "/" is for whole paths from the root on
// ("src/*.c"; "/*.c" for names at the root only). Unless hidden files are wanted, a dot at the start of a
// component has to be written out, as in a shell.
//
// Characters are those of UTF-8; a byte that is not valid UTF-8 is a character of its own. Matching takes
// time proportional to pattern times path, whatever they are: the states of the pattern are followed side by
// side, nothing is tried twice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexec::runner {

class Glob {
 public:
  static constexpr std::size_t kMaxAlternatives = 256;        // that braces expand to
  static constexpr std::size_t kMaxExpandedBytes = 16 << 10;  // of all of them

  /// nullopt and `error`, which says what to write instead. `hidden`: wildcards match leading dots.
  static std::optional<Glob> compile(std::string_view pattern, bool hidden, std::string& error);

  /// Whether the pattern is for `path`, which is relative, without "." and "..".
  bool matches(std::string_view path) const;
  /// False only when the pattern is for nothing below `directory`.
  bool may_match_below(std::string_view directory) const;

 private:
  using Character = std::uint32_t;
  enum class Kind : std::uint8_t { literal, any, set, split, match };
  struct State {
    Kind kind = Kind::match;
    Character character = 0;
    std::uint32_t next = 0;   // behind a character; of split: one way …
    std::uint32_t other = 0;  // … and the other; of set: its index
  };
  struct Set {
    bool negated = false;
    std::vector<std::pair<Character, Character>> ranges;
  };
  class Compiler;
  class Run;

  bool accepts(const State& state, Character character, bool component_start) const;

  bool hidden_ = false;
  std::vector<State> states_;
  std::vector<Set> sets_;
  std::vector<std::uint32_t> starts_;  // one for each alternative
};

}  // namespace rexec::runner
