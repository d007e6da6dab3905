#include "sandbox-client/runner/glob.h"

#include <algorithm>

namespace rexec::runner {
namespace {

constexpr std::uint32_t kInvalidByte = 0x110000;  // plus the byte: beyond all characters
constexpr std::size_t kNone = std::string_view::npos;

/// Takes one character from the front of `text`, which is not empty.
std::uint32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  std::uint32_t character = first;
  bool valid = first < 0x80 || (first >= 0xc2 && first < 0xf5 && size <= text.size());
  if (valid && size > 1) {
    character = first & (0xffU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
      valid = valid && (byte(i) & 0xc0) == 0x80;
      character = character << 6 | (byte(i) & 0x3fU);
    }
    valid = valid && character <= 0x10ffff && (size < 3 || character >= (size == 3 ? 0x800U : 0x10000U)) &&
            (character < 0xd800 || character > 0xdfff);
  }
  text.remove_prefix(valid ? size : 1);
  return valid ? character : kInvalidByte + first;
}

/// Where the set that begins at `open` ends: the index of its "]".
std::size_t end_of_set(std::string_view pattern, std::size_t open) {
  std::size_t at = open + 1;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
  for (const std::size_t first = at; at < pattern.size(); ++at) {
    if (pattern[at] == '\\') {
      ++at;
    } else if (pattern[at] == ']' && at > first) {
      return at;
    }
  }
  return kNone;
}

/// The next of `wanted` at or after `at` that is neither escaped nor in a set.
std::size_t find_special(std::string_view pattern, std::size_t at, std::string_view wanted) {
  for (; at < pattern.size(); ++at) {
    if (pattern[at] == '\\') {
      ++at;
    } else if (pattern[at] == '[') {
      at = end_of_set(pattern, at);
      if (at == kNone) return kNone;
    } else if (wanted.find(pattern[at]) != kNone) {
      return at;
    }
  }
  return kNone;
}

/// Braces written out, one alternative after the other.
class Braces {
 public:
  bool expand(const std::string& pattern) {
    const std::size_t open = find_special(pattern, 0, "{}");
    if (open == kNone) return add(pattern);
    if (pattern[open] == '}') return fail("\"}\" has no \"{\"; write \\} for the character itself");
    std::vector<std::size_t> cuts{open};
    std::size_t depth = 1;
    for (std::size_t at = open; depth > 0;) {
      at = find_special(pattern, at + 1, "{},");
      if (at == kNone) return fail("\"{\" has no \"}\"; write \\{ for the character itself");
      if (pattern[at] == '{') ++depth;
      if (pattern[at] == '}') --depth;
      if (depth == 0 || (depth == 1 && pattern[at] == ',')) cuts.push_back(at);
    }
    const std::string before = pattern.substr(0, open);
    const std::string behind = pattern.substr(cuts.back() + 1);
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
      if (!expand(before + pattern.substr(cuts[i] + 1, cuts[i + 1] - cuts[i] - 1) + behind)) return false;
    return true;
  }

  const std::vector<std::string>& alternatives() const { return alternatives_; }
  const std::string& error() const { return error_; }

 private:
  bool fail(std::string error) {
    error_ = std::move(error);
    return false;
  }

  bool add(const std::string& alternative) {
    bytes_ += alternative.size() + 1;
    if (alternatives_.size() == Glob::kMaxAlternatives || bytes_ > Glob::kMaxExpandedBytes)
      return fail("its braces stand for more than " + std::to_string(Glob::kMaxAlternatives) +
                  " patterns or for very long ones; use fewer of them");
    alternatives_.push_back(alternative);
    return true;
  }

  std::vector<std::string> alternatives_;
  std::size_t bytes_ = 0;
  std::string error_;
};

}  // namespace

class Glob::Compiler {
 public:
  explicit Compiler(Glob& glob) : glob_(glob) {}

  bool add(std::string_view pattern) {
    glob_.starts_.push_back(here());
    const bool names_only = pattern.find('/') == kNone;
    if (pattern.starts_with('/')) pattern.remove_prefix(1);
    if (pattern.empty()) return fail("it is empty, or has an empty alternative");
    if (pattern.back() == '/')
      return fail("it ends with \"/\", which no path does; add ** for everything below");
    bool start = true;  // of a component
    if (names_only && pattern != "**") any_components();
    while (!pattern.empty()) {
      if (start && (pattern == "**" || pattern.starts_with("**/"))) {
        if (pattern.size() == 2) {
          some_components();
          break;
        }
        any_components();
        pattern.remove_prefix(3);
        continue;
      }
      start = pattern.front() == '/';
      if (!add_one(pattern)) return false;
    }
    emit({Kind::match});
    return true;
  }

  const std::string& error() const { return error_; }

 private:
  std::uint32_t here() const { return static_cast<std::uint32_t>(glob_.states_.size()); }

  void emit(State state) { glob_.states_.push_back(state); }
  void emit_one(Kind kind, Character character = 0, std::uint32_t set = 0) {
    emit({kind, character, here() + 1, set});
  }
  void jump(std::uint32_t to) { emit({Kind::split, 0, to, to}); }

  /// "*": any number of characters.
  void any_characters() {
    const std::uint32_t loop = here();
    emit({Kind::split, 0, loop + 1, loop + 3});
    emit_one(Kind::any);
    jump(loop);
  }

  void one_component() {
    emit_one(Kind::any);
    any_characters();
  }

  /// "**/": any number of components, each with its "/".
  void any_components() {
    const std::uint32_t loop = here();
    emit({Kind::split, 0, loop + 1, 0});
    one_component();
    emit_one(Kind::literal, '/');
    jump(loop);
    glob_.states_[loop].other = here();
  }

  /// "**" at the end: at least one component.
  void some_components() {
    const std::uint32_t loop = here();
    one_component();
    const std::uint32_t fork = here();
    emit({Kind::split, 0, fork + 1, fork + 3});
    emit_one(Kind::literal, '/');
    jump(loop);
  }

  bool add_one(std::string_view& pattern) {
    switch (pattern.front()) {
      case '*':
        pattern.remove_prefix(std::min(pattern.find_first_not_of('*'), pattern.size()));
        any_characters();
        return true;
      case '?':
        pattern.remove_prefix(1);
        emit_one(Kind::any);
        return true;
      case '[':
        return add_set(pattern);
      case '\\':
        pattern.remove_prefix(1);
        if (pattern.empty()) return fail("it ends with \"\\\"; write \\\\ for the character itself");
        [[fallthrough]];
      default:
        emit_one(Kind::literal, take_character(pattern));
        return true;
    }
  }

  bool add_set(std::string_view& pattern) {
    const std::size_t end = end_of_set(pattern, 0);
    if (end == kNone) return fail("\"[\" has no \"]\"; write \\[ for the character itself");
    std::string_view inside = pattern.substr(1, end - 1);
    pattern.remove_prefix(end + 1);
    Set set;
    set.negated = inside.front() == '!' || inside.front() == '^';
    if (set.negated) inside.remove_prefix(1);
    const auto take = [&inside] {
      if (inside.front() == '\\' && inside.size() > 1) inside.remove_prefix(1);
      return take_character(inside);
    };
    while (!inside.empty()) {
      const Character first = take();
      Character last = first;
      if (inside.size() > 1 && inside.front() == '-') {
        inside.remove_prefix(1);
        last = take();
      }
      if (last < first) return fail("a range in \"[…]\" ends before it begins");
      set.ranges.emplace_back(first, last);
    }
    emit_one(Kind::set, 0, static_cast<std::uint32_t>(glob_.sets_.size()));
    glob_.sets_.push_back(std::move(set));
    return true;
  }

  bool fail(std::string error) {
    error_ = std::move(error);
    return false;
  }

  Glob& glob_;
  std::string error_;
};

/// All states that the pattern can be in after the characters so far.
class Glob::Run {
 public:
  explicit Run(const Glob& glob) : glob_(glob), seen_(glob.states_.size(), 0) {
    for (const std::uint32_t start : glob.starts_) enter(start);
    std::swap(states_, next_);
  }

  void feed(std::string_view text) {
    while (!text.empty() && !states_.empty()) {
      const Character character = take_character(text);
      ++step_;
      next_.clear();
      for (const std::uint32_t index : states_) {
        const State& state = glob_.states_[index];
        if (glob_.accepts(state, character, component_start_)) enter(state.next);
      }
      std::swap(states_, next_);
      component_start_ = character == '/';
    }
  }

  bool alive() const { return !states_.empty(); }
  bool matched() const {
    return std::any_of(states_.begin(), states_.end(),
                       [this](std::uint32_t index) { return glob_.states_[index].kind == Kind::match; });
  }

 private:
  /// Adds a state and what it leads to without a character.
  void enter(std::uint32_t first) {
    pending_.push_back(first);
    while (!pending_.empty()) {
      const std::uint32_t index = pending_.back();
      pending_.pop_back();
      if (seen_[index] == step_) continue;
      seen_[index] = step_;
      const State& state = glob_.states_[index];
      if (state.kind == Kind::split) {
        pending_.push_back(state.next);
        pending_.push_back(state.other);
      } else {
        next_.push_back(index);
      }
    }
  }

  const Glob& glob_;
  std::vector<std::uint32_t> states_;
  std::vector<std::uint32_t> next_;
  std::vector<std::uint32_t> pending_;
  std::vector<std::uint32_t> seen_;  // the step that a state was entered in
  std::uint32_t step_ = 1;
  bool component_start_ = true;
};

std::optional<Glob> Glob::compile(std::string_view pattern, bool hidden, std::string& error) {
  Braces braces;
  if (!braces.expand(std::string(pattern))) {
    error = braces.error();
    return std::nullopt;
  }
  Glob glob;
  glob.hidden_ = hidden;
  Compiler compiler(glob);
  for (const std::string& alternative : braces.alternatives()) {
    if (compiler.add(alternative)) continue;
    error = compiler.error();
    return std::nullopt;
  }
  return glob;
}

bool Glob::accepts(const State& state, Character character, bool component_start) const {
  if (state.kind == Kind::literal) return state.character == character;
  if (state.kind == Kind::match || character == '/') return false;
  if (component_start && character == '.' && !hidden_) return false;
  if (state.kind == Kind::any) return true;
  const Set& set = sets_[state.other];
  const bool inside = std::any_of(set.ranges.begin(), set.ranges.end(), [character](const auto& range) {
    return range.first <= character && character <= range.second;
  });
  return inside != set.negated;
}

bool Glob::matches(std::string_view path) const {
  Run run(*this);
  run.feed(path);
  return run.matched();
}

bool Glob::may_match_below(std::string_view directory) const {
  Run run(*this);
  run.feed(directory);
  run.feed("/");
  return run.alive();
}

}  // namespace rexec::runner
