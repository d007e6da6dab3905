// Secrets in answers that show single lines of files: in whatever form, wherever a line or the answer is cut.
#include "tools/support/masked_lines.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <unordered_set>

#include "base/encoding.h"
#include "tests/support/catch.h"
#include "tests/support/fake_tool_call.h"
#include "tools/support/secret_patterns.h"

using namespace rexec;
using namespace rexec::test;
using rexec::test::ContainsSubstring;
using sandbox::Completion;
using sandbox::EditSpec;
using sandbox::FileEdited;
using sandbox::SearchMatch;
using sandbox::SearchResult;
using sandbox::SearchSpec;
using Lines = std::vector<std::string>;

namespace {

constexpr std::size_t kMostContext = 50;  // that a runner gives

const std::string kLongToken =
    "s3cr3t/value=of \"one\" token, wh\xc3\xad"
    "ch is long+enough to be wrapped; 98765";

/// As a key has it: long, of several lines, and nothing in it twice.
const std::string& long_secret() {
  static const std::string value = [] {
    std::string text;
    for (int i = 0; text.size() < 2000; ++i)
      text += base64_encode(sha256(std::to_string(i))).substr(0, 43) + "\r\n";
    return text;
  }();
  return value;
}

std::string wrapped(const std::string& text, std::size_t columns, const std::string& end) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); at += columns) result += text.substr(at, columns) + end;
  return result;
}

std::string percent_encoded(const std::string& text) {
  std::string result;
  for (const char c : text) result += "%" + hex_encode(std::string_view(&c, 1));
  return result;
}

/// Contents of files that have the secret in one of its forms.
std::vector<std::string> contents(const std::string& secret) {
  std::vector<std::string> forms = tools::secret_patterns(secret);
  std::erase_if(forms, [&](const std::string& form) { return form.size() < secret.size(); });
  forms.push_back(percent_encoded(secret));
  for (const std::size_t before : {0U, 32U}) {
    const std::string digits = base64_encode(std::string(before, '~') + secret + "~~~~~");
    forms.push_back(digits);
    forms.push_back(percent_encoded(digits));
    for (const std::size_t columns : {16U, 64U, 76U}) {
      for (const char* end : {"\n", "\r\n"}) forms.push_back(wrapped(digits, columns, end));
    }
  }
  for (std::string& form : forms) form = "first\nsecond\n<>\n" + form + "\n<>\nlast but one\nlast\n";
  return forms;
}

/// Whether eight bytes of any form of `secret` stand in `text`, as they are or percent-encoded.
bool leaks(const std::string& text, const std::string& secret) {
  constexpr std::size_t kPart = 8;
  static std::map<std::string, std::unordered_set<std::string_view>> known;
  static std::deque<std::string> patterns;
  auto& parts = known[secret];
  if (parts.empty()) {
    for (std::string& pattern : tools::secret_patterns(secret)) {
      const std::string_view kept = patterns.emplace_back(std::move(pattern));
      for (std::size_t at = 0; at + kPart <= kept.size(); ++at) parts.insert(kept.substr(at, kPart));
    }
  }
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned char byte = 0;
    const char* digits = text.data() + at + 1;
    if (text[at] == '%' && at + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      decoded += static_cast<char>(byte);
      at += 2;
    } else {
      decoded += text[at];
    }
  }
  for (const std::string_view seen : {std::string_view(text), std::string_view(decoded)}) {
    for (std::size_t at = 0; at + kPart <= seen.size(); ++at)
      if (parts.count(seen.substr(at, kPart)) > 0) return true;
  }
  return false;
}

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    lines.emplace_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string without_end(std::string line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return line;
}

/// The match of one line as a runner tells it.
SearchMatch match_of(const Lines& lines, std::size_t index, std::size_t context) {
  SearchMatch match;
  match.path = "f";
  match.line = index + 1;
  match.text = without_end(lines[index]);
  for (std::size_t i = index - std::min(index, context); i < index; ++i)
    match.before.push_back(without_end(lines[i]).substr(0, 512));
  for (std::size_t i = index + 1; i < std::min(lines.size(), index + 1 + context); ++i)
    match.after.push_back(without_end(lines[i]).substr(0, 512));
  return match;
}

/// A search of one file for which every line matches.
SearchResult search(const Lines& lines, const SearchSpec& spec, std::size_t first, std::size_t last) {
  SearchResult found;
  for (std::size_t i = first; i <= last; ++i) {
    found.matches.push_back(match_of(lines, i, std::min(spec.context_lines, kMostContext)));
    SearchMatch& match = found.matches.back();
    if (match.text.size() > 512) match.text.resize(512), match.cut_after = true;
  }
  return found;
}

/// What stands in the place of `count` lines from `begin` on, in unified format.
std::string diff_of(const Lines& lines, std::size_t begin, std::size_t count, const std::string& added,
                    std::size_t context) {
  const std::size_t from = begin - std::min(begin, context);
  const std::size_t to = std::min(lines.size(), begin + count + context);
  std::string diff = "--- a/f\n+++ b/f\n@@ -" + std::to_string(from + 1) + "," + std::to_string(to - from) +
                     " +" + std::to_string(from + 1) + "," +
                     std::to_string(to - from - count + lines_of(added).size()) + " @@\n";
  for (std::size_t i = from; i < begin; ++i) diff += " " + lines[i];
  for (std::size_t i = begin; i < begin + count; ++i) diff += "-" + lines[i];
  for (const std::string& line : lines_of(added)) diff += "+" + line;
  for (std::size_t i = begin + count; i < to; ++i) diff += " " + lines[i];
  return diff;
}

/// A message as it comes with an edit that does not fit.
std::string problem_of(const Lines& lines, std::size_t begin, std::size_t count) {
  std::string text = "/edits/0/old_text was found 0 times in the file. The most similar lines of the file:";
  for (std::size_t i = begin; i < std::min(lines.size(), begin + count); ++i) {
    std::string line = lines[i].substr(0, lines[i].size() - (lines[i].ends_with('\n') ? 1 : 0));
    std::replace(line.begin(), line.end(), '\r', ' ');
    text += "\n" + std::to_string(i + 1) + "| " + line.substr(0, 140) + (line.size() > 140 ? "…" : "");
  }
  return text;
}

struct SecretBench : ToolBench {
  explicit SecretBench(const std::string& secret) {
    configure({{"TOKEN", [secret](const Op&) -> Result<std::string> { return secret; }}});
  }
};

std::string everything(const mcp::ToolResult& result) {
  std::string all;
  for (const mcp::Content& content : result.content) all += content.text + "\n";
  if (!result.structured) return all;
  for (const auto& [name, value] : result.structured->items()) {
    if (value.is_string()) all += value.get<std::string>() + "\n";
  }
  return all + dump_json(*result.structured);
}

}  // namespace

TEST_CASE("search_files shows no part of a secret, whichever lines of it match", "[tools]") {
  for (const std::string& secret : {kLongToken, long_secret()}) {
    SecretBench bench(secret);
    for (const std::string& content : contents(secret)) {
      const Lines lines = lines_of(content);
      const std::size_t step = 1 + lines.size() / 6;
      for (std::size_t first = 0; first < lines.size(); first += step) {
        for (const std::size_t count : {1U, 2U, 7U}) {
          bench.runner().on_search_files = [&](const SearchSpec& spec, const Op&,
                                               const Completion<SearchResult>& done) {
            done(search(lines, spec, first, std::min(lines.size(), first + count) - 1));
          };
          const std::size_t context = (first + count) % 3 == 0 ? kMostContext : (first + count) % 3 - 1;
          const auto result = bench.run("search_files", {{"pattern", "."}, {"context_lines", context}});
          INFO("from line " << first + 1 << ", context " << context << ":\n"
                            << content << everything(result));
          REQUIRE_FALSE(result.is_error);
          REQUIRE_FALSE(leaks(everything(result), secret));
          for (const Json& match : result.structured->at("matches"))
            REQUIRE(match.value("before", Json::array()).size() <= context);
          if (first == 0) CHECK(result.structured->at("matches")[0]["text"] == "first");
        }
      }
    }
  }
}

TEST_CASE("A line that is cut anywhere shows less than eight bytes of a secret", "[tools]") {
  const tools::Masker masker(std::vector<tools::Secret>{{"TOKEN", kLongToken}});
  for (const std::string& content : contents(kLongToken)) {
    const Lines lines = lines_of(content);
    for (std::size_t index = 3; index + 3 < lines.size(); ++index) {
      const SearchMatch whole = match_of(lines, index, 2);
      for (std::size_t from = 0; from < whole.text.size(); ++from) {
        for (const std::size_t size : {9U, 30U, 500U}) {
          SearchMatch match = whole;
          match.text = whole.text.substr(from, size);
          match.cut_before = from > 0;
          match.cut_after = from + size < whole.text.size();
          tools::mask_match(masker, match, 2, true);
          std::string shown = match.text;
          for (const std::string& line : match.before) shown += "\n" + line;
          for (const std::string& line : match.after) shown += "\n" + line;
          INFO(whole.text << " from " << from << ", " << size << ": " << match.text);
          REQUIRE(match.text.size() == std::min(size, whole.text.size() - from));
          REQUIRE_FALSE(leaks(shown, kLongToken));
        }
      }
    }
  }
}

TEST_CASE("The diff of an edit shows no part of a secret, wherever its hunks are", "[tools]") {
  for (const std::string& secret : {kLongToken, long_secret()}) {
    SecretBench bench(secret);
    for (const std::string& content : contents(secret)) {
      const Lines lines = lines_of(content);
      const std::size_t step = 1 + lines.size() / 6;
      for (std::size_t begin = 0; begin < lines.size(); begin += step) {
        for (const std::size_t count : {0U, 1U, 3U}) {
          if (begin + count > lines.size()) continue;
          for (const std::size_t context : {0U, 3U}) {
            // Removed, added, and beside of what changes.
            std::string diff = diff_of(lines, begin, count, "new\n", context);
            if (context == 0) diff.resize(diff.size() - 1), diff += "\n\\ No newline at end of file\n";
            if (count == 3) diff += "@@ -91 +91,2 @@\n-else\n+" + lines[begin] + "+" + lines[begin + 1];
            bench.runner().on_edit_file = [&](const EditSpec&, const Op&,
                                              const Completion<FileEdited>& done) {
              done(FileEdited{"/f", 1, 1, std::string(64, 'a'), diff, false});
            };
            const auto result =
                bench.run("edit_file",
                          {{"path", "f"}, {"edits", Json::array({{{"old_text", "a"}, {"new_text", "b"}}})}});
            INFO("at line " << begin + 1 << ":\n" << diff << everything(result));
            REQUIRE_FALSE(result.is_error);
            REQUIRE_FALSE(leaks(everything(result), secret));
          }
        }
      }
    }
  }
}

TEST_CASE("An edit that does not fit quotes no part of a secret", "[tools]") {
  for (const std::string& secret : {kLongToken, long_secret()}) {
    SecretBench bench(secret);
    for (const std::string& content : contents(secret)) {
      const Lines lines = lines_of(content);
      const std::size_t step = 1 + lines.size() / 6;
      for (std::size_t begin = 0; begin < lines.size(); begin += step) {
        for (const std::size_t count : {1U, 8U}) {
          const std::string problem = problem_of(lines, begin, count);
          bench.runner().on_edit_file = [&](const EditSpec&, const Op&, const Completion<FileEdited>& done) {
            done(Error{ErrorCode::failed_precondition, problem});
          };
          const auto result = bench.run(
              "edit_file", {{"path", "f"}, {"edits", Json::array({{{"old_text", "a"}, {"new_text", "b"}}})}});
          INFO("at line " << begin + 1 << ":\n" << problem << everything(result));
          REQUIRE_FALSE(leaks(everything(result), secret));
          CHECK_THAT(text_of(result), ContainsSubstring("found 0 times in the file. The most"));
        }
      }
    }
  }
}

TEST_CASE("Lines without secrets are shown as they are", "[tools]") {
  const tools::Masker masker(
      {{"KEY", "-----BEGIN KEY-----\n" + long_secret() + "-----END KEY-----\n"}, {"T", kLongToken}});
  const std::string content =
      "# Title\n-------\n\nint main() {\n  return 0;  // ------\n}\n// ----------------\n\n";
  const Lines lines = lines_of(content + content + content);
  for (std::size_t index = 0; index < lines.size(); ++index) {
    SearchMatch match = match_of(lines, index, 4);
    const SearchMatch before = match;
    tools::mask_match(masker, match, 4, false);
    CHECK(match.text == before.text);
  }
  std::string diff = diff_of(lines, 4, 3, "+x\n- y\n-- z\n", 2) + diff_of(lines, 20, 0, "-\n", 1);
  const std::string whole = diff;
  tools::mask_diff(masker, diff);
  CHECK(diff == whole);
  std::string problem = problem_of(lines, 2, 8);
  const std::string quoted = problem;
  tools::mask_quoted_lines(masker, problem);
  CHECK(problem == quoted);
}

TEST_CASE("A hunk masks what it removes and adds, and shows the rest", "[tools]") {
  const std::string digits = base64_encode("user:0123456789abcdefghijklmnopqrstuvwxyz!");
  const tools::Masker masker(std::vector<tools::Secret>{{"TOKEN", "0123456789abcdefghijklmnopqrstuvwxyz"}});
  std::string diff = "--- a/0123456789abcdefghijklmnopqrstuvwxyz\n+++ b/f\n@@ -7,4 +7,4 @@\n one\n " +
                     digits.substr(0, 20) + "\n-" + digits.substr(20) + "\n+--- 2\n two\n";
  const std::string whole = diff;
  tools::mask_diff(masker, diff);
  CHECK(diff.size() == whole.size());
  CHECK_THAT(diff, ContainsSubstring(
                       "--- a/[secret TOKEN**********************]\n+++ b/f\n@@ -7,4 +7,4 @@\n one\n " +
                       digits.substr(0, 7) + "["));
  CHECK_THAT(diff, ContainsSubstring("\n-[secret TOKEN") && ContainsSubstring("\n+--- 2\n two\n"));
}

TEST_CASE("A search for what is masked finds nothing", "[tools]") {
  SecretBench bench(kLongToken);
  const Lines lines = lines_of("a\n" + wrapped(base64_encode(kLongToken), 20, "\n") + "b\n");
  bench.runner().on_search_files = [&](const SearchSpec& spec, const Op&,
                                       const Completion<SearchResult>& done) {
    done(search(lines, spec, 2, 2));
  };
  const auto result = bench.run("search_files", {{"pattern", lines[2].substr(0, 5)}});
  CHECK(result.structured->at("matches").empty());
}
