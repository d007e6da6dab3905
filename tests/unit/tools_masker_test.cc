// Properties of masking: nothing of a secret is left, nothing else changes, and windows agree with the whole.
#include "tools/support/masker.h"

#include <algorithm>
#include <random>

#include "base/encoding.h"
#include "tests/support/catch.h"
#include "tools/support/path_seal.h"
#include "tools/support/secret_patterns.h"

using namespace rexec;
using namespace rexec::tools;

namespace {

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
}

std::string random_text(Random& random, std::size_t size, std::string_view alphabet) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += alphabet[below(random, alphabet.size())];
  return text;
}

// Disjoint from kFillers, so that what the surroundings show by chance is no part of a secret.
constexpr std::string_view kSecretBytes = "abcdefghijkmnopqrs0123456789 \"\\/'&=\xc3\xa9";
constexpr std::string_view kFillers = "TUVWXYZ.,;()\n";

std::string percent_encoded(Random& random, std::string_view text, bool every) {
  constexpr std::string_view kUpper = "0123456789ABCDEF";
  constexpr std::string_view kLower = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!every && unreserved && below(random, 4) != 0) {
      result += c;
      continue;
    }
    const std::string_view digits = below(random, 2) == 0 ? kUpper : kLower;
    result += '%';
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result;
}

std::string wrapped_text(std::string_view text, std::size_t columns, std::string_view end) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); at += columns) {
    if (at > 0) result += end;
    result += text.substr(at, columns);
  }
  return result;
}

/// A form of the secret as a program may print it, base64 between random bytes.
std::string random_form(Random& random, const std::string& secret) {
  switch (below(random, 8)) {
    case 0:
      return secret;
    case 1:
      return percent_encoded(random, secret, false);
    case 2:
      return percent_encoded(random, secret, true);
    case 3:
    case 4: {
      const std::string around = "TUVWXYZ";
      const std::string bytes =
          around.substr(0, below(random, 5)) + secret + around.substr(0, below(random, 5));
      return below(random, 2) == 0 ? base64_encode(bytes) : base64url_encode(bytes);
    }
    case 5: {
      const std::string bytes = std::string(60 + below(random, 20), 'T') + secret + std::string(50, 'U');
      return wrapped_text(base64_encode(bytes), below(random, 2) == 0 ? 64 : 76,
                          below(random, 2) == 0 ? "\n" : "\r\n");
    }
    case 6:
      return percent_encoded(random, base64_encode(secret), true);
    default: {
      const auto patterns = secret_patterns(secret);
      return patterns[below(random, patterns.size())];
    }
  }
}

struct Sample {
  std::vector<Secret> secrets;
  std::string text;
};

Sample random_sample(Random& random) {
  Sample sample;
  const std::size_t count = 1 + below(random, 3);
  for (std::size_t i = 0; i < count; ++i) {
    std::string value = random_text(random, 8 + below(random, 30), kSecretBytes);
    if (below(random, 4) == 0) value += "\n" + random_text(random, 8 + below(random, 10), kSecretBytes);
    sample.secrets.push_back({"N" + std::to_string(i), value});
  }
  const std::size_t pieces = 1 + below(random, 4);
  for (std::size_t i = 0; i < pieces; ++i) {
    sample.text += random_text(random, below(random, 40), kFillers);
    sample.text += random_form(random, sample.secrets[below(random, count)].value);
  }
  sample.text += random_text(random, below(random, 40), kFillers);
  return sample;
}

/// The longest common part of `text` and any form of any secret.
std::size_t longest_leak(const std::string& text, const std::vector<Secret>& secrets) {
  std::size_t longest = 0;
  for (const Secret& secret : secrets) {
    for (const std::string& pattern : secret_patterns(secret.value)) {
      for (std::size_t at = 0; at + longest < pattern.size();) {
        if (text.find(std::string_view(pattern).substr(at, longest + 1)) != text.npos) {
          ++longest;
        } else {
          ++at;
        }
      }
    }
  }
  return longest;
}

std::vector<Secret> only(std::string name, std::string value) {
  return {Secret{std::move(name), std::move(value)}};
}

std::string masked(const Masker& masker, std::string text, OpenEdges open = {}) {
  masker.mask(text, open);
  return text;
}

std::string percent_decoded(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size() &&
        std::isxdigit(static_cast<unsigned char>(text[at + 1])) != 0 &&
        std::isxdigit(static_cast<unsigned char>(text[at + 2])) != 0) {
      result += static_cast<char>(std::stoi(text.substr(at + 1, 2), nullptr, 16));
      at += 2;
    } else {
      result += text[at];
    }
  }
  return result;
}

std::string without_line_ends(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
  return text;
}

}  // namespace

TEST_CASE("no form of a secret is left in a text", "[tools]") {
  Random random(1);
  for (int round = 0; round < 600; ++round) {
    const Sample sample = random_sample(random);
    const Masker masker(sample.secrets);
    const std::string result = masked(masker, sample.text);
    INFO("round " << round << ": " << sample.text << " -> " << result);
    REQUIRE(result.size() == sample.text.size());
    REQUIRE(std::count(result.begin(), result.end(), '\n') ==
            std::count(sample.text.begin(), sample.text.end(), '\n'));
    // The names of masks are filler for this purpose, except their lower-case letters.
    for (const std::string& form : {result, percent_decoded(result), without_line_ends(result)}) {
      for (const Secret& secret : sample.secrets) {
        for (const std::string& pattern : secret_patterns(secret.value))
          CHECK(form.find(pattern) == form.npos);
      }
    }
  }
}

TEST_CASE("a window with its context shows what the whole shows there", "[tools]") {
  Random random(2);
  for (int round = 0; round < 40; ++round) {
    const Sample sample = random_sample(random);
    const Masker masker(sample.secrets);
    const std::string whole = masked(masker, sample.text);
    const std::size_t context = masker.context();
    const std::string padded = random_text(random, 2 * context, kFillers) + sample.text;
    const std::string whole_padded = masked(masker, padded);
    for (std::size_t begin = 0; begin <= padded.size(); begin += 1 + below(random, 3)) {
      const std::size_t size = below(random, 60);
      const std::size_t from = begin - std::min(begin, context);
      const std::size_t end = std::min(padded.size(), begin + size);
      const std::size_t to = std::min(padded.size(), end + context);
      const OpenEdges open{from > 0, to < padded.size()};
      const std::string part = masked(masker, padded.substr(from, to - from), open);
      INFO("round " << round << " window " << begin << "-" << end);
      REQUIRE(part.substr(begin - from, end - begin) == whole_padded.substr(begin, end - begin));
    }
  }
}

TEST_CASE("an edge that nothing is known behind shows less than eight bytes of a secret", "[tools]") {
  Random random(3);
  for (int round = 0; round < 300; ++round) {
    const std::string secret = random_text(random, 12 + below(random, 20), kSecretBytes);
    const Masker masker(only("NAME", secret));
    const std::string form = random_form(random, secret);
    const std::string text = "TUV" + form + "XYZ";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      const std::string start = masked(masker, text.substr(0, cut), {false, true});
      const std::string end = masked(masker, text.substr(cut), {true, false});
      INFO("round " << round << ": " << text << " cut at " << cut << ": " << start << " | " << end);
      for (const std::string& side : {start, end}) {
        REQUIRE(longest_leak(percent_decoded(side), only("NAME", secret)) < 8);
        REQUIRE(longest_leak(without_line_ends(side), only("NAME", secret)) < 8);
      }
    }
  }
}

TEST_CASE("what lies between two open edges shows less than eight bytes of a secret", "[tools]") {
  Random random(5);
  for (int round = 0; round < 100; ++round) {
    const std::string secret = random_text(random, 12 + below(random, 40), kSecretBytes);
    const Masker masker(only("NAME", secret));
    const std::string text = random_form(random, secret);
    for (std::size_t begin = 0; begin < text.size(); ++begin) {
      const std::size_t size = 4 + below(random, text.size());
      const std::string part = masked(masker, text.substr(begin, size), {true, true});
      INFO("round " << round << ": " << text << " at " << begin << ": " << part);
      REQUIRE(longest_leak(percent_decoded(part), only("NAME", secret)) < 8);
      REQUIRE(longest_leak(without_line_ends(part), only("NAME", secret)) < 8);
    }
  }
}

TEST_CASE("a part of a text is found wherever it lies, and nothing across two texts", "[tools]") {
  const PartSearch search(std::vector<std::string>{"abcdefghijkl", "", "xyz", std::string(5000, 'a') + "b"});
  for (const char* part : {"", "a", "abc", "bcdefghi", "bcdefghijkl", "jkl", "xyz", "yz", "z", "aaab"})
    CHECK(search.contains(part));
  for (const char* part : {"klx", "zaa", "abcdefghijklx", "acb", "ba", "bcdefghijkm"})
    CHECK_FALSE(search.contains(part));
  CHECK(search.contains(std::string(5000, 'a')));
  CHECK_FALSE(search.contains(std::string(5001, 'a')));
  CHECK_FALSE(PartSearch({}).contains("a"));
}

TEST_CASE("a value with CRLF is found with LF too", "[tools]") {
  const Masker masker(only("A", "ab\r\ncd\r\nef"));
  CHECK(masked(masker, "<ab\ncd\nef>") == "<**\n**\n**>");
}

TEST_CASE("a sealed path opens to itself, and nothing else opens", "[tools]") {
  const PathSeal seal;
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 4096U}) {
    const std::string path(size, 'p');
    const std::string sealed = seal.seal(path);
    CHECK(seal.open(sealed) == path);
    CHECK(seal.seal(path) == sealed);
    CHECK(sealed.find("pppp") == sealed.npos);
    CHECK_FALSE(PathSeal().open(sealed));
    std::string changed = sealed;
    changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
    CHECK_FALSE(seal.open(changed));
  }
  CHECK_FALSE(seal.open(""));
  CHECK_FALSE(seal.open("AAAA"));
  CHECK_FALSE(seal.open("not base64!"));
}

TEST_CASE("text without secrets stays as it is", "[tools]") {
  Random random(4);
  const Masker masker({{"A", "correct horse battery"}, {"B", "hunter2hunter2"}});
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    for (std::size_t i = below(random, 4000); i > 0; --i) bytes += static_cast<char>(below(random, 256));
    CHECK(masked(masker, bytes) == bytes);
  }
  const std::string text = "correct horse batter hunter2hunter %41%4 100% [secret A";
  CHECK(masked(masker, text) == text);
  CHECK(masked(masker, "").empty());
}

TEST_CASE("a mask names the secret, is as long, and keeps line ends", "[tools]") {
  const Masker masker({{"TOKEN", "abcdefghijklmnopqrst"},
                       {"LONG_NAME", "12345678"},
                       {"KEY", "first line\nsecond one, here"}});
  CHECK(masked(masker, "<abcdefghijklmnopqrst>") == "<[secret TOKEN******]>");
  CHECK(masked(masker, "<12345678>") == "<[******]>");
  CHECK(masked(masker, "first line\nsecond one, here\n") == "[********]\n[secret KEY****]\n");
  CHECK(masked(masker, "x\nsecond one, here\n") == "x\n[secret KEY****]\n");
}

TEST_CASE("of overlapping secrets the one that begins first, then the longest, gives the name", "[tools]") {
  const Masker masker(
      {{"A", "abcdefghijklmnop"}, {"B", "abcdefghijklmnopqrst"}, {"C", "mnopqrstuvwxyz0123"}});
  CHECK(masked(masker, "abcdefghijklmnop") == "[secret A******]");
  CHECK(masked(masker, "abcdefghijklmnopqrst") == "[secret B**********]");
  const std::string both = masked(masker, "abcdefghijklmnopqrstuvwxyz0123");
  CHECK(both == "[secret B**********]" + std::string("[secret C********]").substr(8));
}

TEST_CASE("a text made of beginnings of a secret takes no more than a pass", "[tools]") {
  const Masker masker({{"A", std::string(4000, 'a') + "b"}, {"B", std::string(3000, 'a') + "c"}});
  std::string text(4 << 20, 'a');
  masker.mask(text);
  CHECK(text == std::string(4 << 20, 'a'));
  text += 'b';
  masker.mask(text);
  CHECK(text.ends_with("*]"));
}

TEST_CASE("the context of the longest secrets fits one read", "[tools]") {
  const Masker masker(only("A", std::string(kMaxSecretBytes, '\x01')));
  CHECK(masker.context() < (256U << 10));
  std::string text = std::string(kMaxSecretBytes, '\x01');
  masker.mask(text);
  CHECK(text.starts_with("[secret A***"));
}

TEST_CASE("base64 is found at each position in both alphabets", "[tools]") {
  const std::string secret = "\xff\xfe\xfd\xfb\xff\xef-token\xff\xff";
  const Masker masker(only("A", secret));
  for (std::size_t before = 0; before < 4; ++before) {
    for (std::size_t after = 0; after < 4; ++after) {
      const std::string bytes = std::string(before, 'x') + secret + std::string(after, 'y');
      for (const std::string& text : {base64_encode(bytes), base64url_encode(bytes)}) {
        const std::string result = masked(masker, text);
        INFO(text << " -> " << result);
        CHECK(result.find("[secret A") != result.npos);
        CHECK(longest_leak(result, only("A", secret)) < 2);
      }
    }
  }
}

TEST_CASE("a mask is recognised where it would be written, and nothing else is", "[tools]") {
  const std::vector<std::string> names = {"TOKEN", "KEY"};
  CHECK(find_mask("a=[secret TOKEN*****]\n", names) == "[secret TOKEN*****]");
  CHECK(find_mask("[secret [secret KEY]", names) == "[secret KEY]");
  CHECK(find_mask("x[[******]", names) == "[******]");
  for (const char* text : {"[secret OTHER***]", "[secret TOKENS]", "[secret TOKEN", "[secret]", "[*****]",
                           "[secret TOKEN***", "[ secret TOKEN]", "", "[", "[]", "[secret TOKEN**x]"}) {
    INFO(text);
    CHECK_FALSE(find_mask(text, names));
  }
  const Masker masker(only("KEY", "12345678901234567890"));
  CHECK(find_mask(masked(masker, "k: 12345678901234567890"), names).has_value());
}
