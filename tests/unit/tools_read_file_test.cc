#include <algorithm>

#include "base/encoding.h"
#include "base/utf8.h"
#include "tests/support/catch.h"
#include "tests/support/fake_tool_call.h"
#include "tests/support/numbered_lines.h"
#include "tools/support/file_type.h"

using namespace rexec;
using namespace rexec::test;
using namespace std::string_literals;
using rexec::test::ContainsSubstring;
using rexec::test::EndsWith;
using sandbox::Completion;
using sandbox::FileData;
using sandbox::FileInfo;
using sandbox::LineRange;

namespace {

/// One file, read as a runner reads it.
struct FileBench : ToolBench {
  std::string file;
  std::string path;

  explicit FileBench(std::string contents) : file(std::move(contents)) {
    runner().on_read_lines = [this](std::string asked, LineRange range, const Op&,
                                    const Completion<FileData>& done) {
      path = std::move(asked);
      done(lines(range));
    };
    runner().on_read_file = [this](std::string asked, std::uint64_t offset, std::size_t max, const Op&,
                                   const Completion<FileData>& done) {
      path = std::move(asked);
      FileData data = described();
      data.offset = std::min<std::uint64_t>(offset, file.size());
      data.data = file.substr(data.offset, max);
      done(std::move(data));
    };
  }

  FileData described() const {
    FileData data;
    data.info.size = file.size();
    data.probe = file.substr(0, 4096);
    return data;
  }

  FileData lines(const LineRange& range) const {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < file.size(); at = std::min(file.find('\n', at), file.size() - 1) + 1)
      starts.push_back(at);
    FileData data = described();
    data.total_lines = starts.size();
    const auto count = static_cast<std::int64_t>(starts.size());
    const std::int64_t start =
        range.start > 0 ? range.start : std::max<std::int64_t>(count + range.start + 1, 1);
    data.first_line = static_cast<std::uint64_t>(start);
    if (start > count) return data;
    data.offset = starts[static_cast<std::size_t>(start) - 1];
    std::size_t end = data.offset;
    while (data.lines < range.max_lines && end < file.size()) {
      const std::size_t line_end = std::min(file.find('\n', end), file.size() - 1) + 1;
      if (line_end - data.offset > range.max_bytes) {
        if (data.lines == 0) {
          data.lines = 1;
          data.cut_line_end = line_end - (file[line_end - 1] == '\n' ? 1 : 0);
          end = data.offset + range.max_bytes;
        }
        break;
      }
      end = line_end;
      ++data.lines;
    }
    data.data = file.substr(data.offset, end - data.offset);
    return data;
  }

  std::string read(Json arguments = Json::object()) {
    arguments["path"] = "a.txt";
    return text_of(run("read_file", std::move(arguments)));
  }
};

const std::string kPng = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s;

}  // namespace

TEST_CASE("a whole file is its contents and nothing else", "[tools]") {
  for (const std::string& contents : {"one\ntwo\n"s, "no end"s, "\n"s, "ünï ☃\r\n"s}) {
    FileBench bench(contents);
    CHECK(bench.read() == contents);
    CHECK(bench.path == "/home/user/a.txt");
    CHECK(bench.read({{"offset_bytes", 0}}) == contents);
  }
  FileBench bench("x");
  CHECK(text_of(bench.run("read_file", {{"path", "~/b"}})) == "x");
  CHECK(bench.path == "/home/user/b");
  CHECK_FALSE(bench.run("read_file", {{"path", "/b"}}).structured);
  CHECK(FileBench("").read() == "[the file is empty]");
}

TEST_CASE("a part of a file says which lines it is and how to go on", "[tools]") {
  FileBench bench(numbered_lines(10));
  CHECK(bench.read({{"start_line", 2}, {"max_lines", 1}}) ==
        "line 2\n[line 2 of 10 · next: read_file {\"path\":\"/home/user/a.txt\",\"start_line\":3}]");
  CHECK(bench.read({{"start_line", -2}}) == "line 9\nline 10\n[lines 9-10 of 10]");
  CHECK(bench.read({{"start_line", -100}}) == numbered_lines(10));
  CHECK(bench.read({{"start_line", 11}}) == "[there is no such line: the file has 10 lines]");
  FileBench open("a\nb");
  CHECK(open.read({{"start_line", 2}}) == "b\n[line 2 of 2]");
}

TEST_CASE("text over the budget ends at a line", "[tools]") {
  FileBench bench(numbered_lines(1000));
  const std::string text = bench.read({{"max_chars", 1000}});
  CHECK(utf8_length(text) <= 1000);
  CHECK_THAT(text, ContainsSubstring("\n[lines 1-"));
  const std::size_t last = text.find("\n[lines 1-");
  CHECK(numbered_lines(1000).substr(0, last + 1) == text.substr(0, last + 1));
  // Reading on where it says gives the rest.
  std::string all;
  int start = 1;
  while (start <= 1000) {
    const std::string page = bench.read({{"max_chars", 1000}, {"start_line", start}});
    const std::size_t note = page.rfind("\n[");
    all += page.substr(0, note + 1);
    start += static_cast<int>(
        std::count(page.begin(), page.begin() + static_cast<std::ptrdiff_t>(note) + 1, '\n'));
  }
  CHECK(all == numbered_lines(1000));
  // Exactly the budget is whole.
  FileBench exact(std::string(499, 'x') + "\n");
  CHECK(exact.read({{"max_chars", 500}}) == exact.file);
  CHECK_THAT(exact.read({{"max_chars", 499}}), ContainsSubstring("is cut"));
}

TEST_CASE("a line that is longer than the budget names the bytes of its rest", "[tools]") {
  std::string snowmen;
  for (int i = 0; i < 5000; ++i) snowmen += "☃";
  FileBench bench("first\n" + snowmen + "\nlast\n");
  const std::string text = bench.read({{"start_line", 2}, {"max_chars", 1000}});
  CHECK(utf8_length(text) <= 1000);
  const std::size_t note = text.find("\n[line 2 of 3 · line 2 is cut; its rest: read_file ");
  REQUIRE(note != std::string::npos);
  const std::size_t cut_at = 6 + note;
  CHECK_THAT(text, ContainsSubstring("\"offset_bytes\":" + std::to_string(cut_at) +
                                     ",\"max_bytes\":" + std::to_string(6 + snowmen.size() - cut_at)));
  CHECK_THAT(text, ContainsSubstring("\"start_line\":3"));
  const std::string rest = bench.read({{"offset_bytes", cut_at}, {"max_bytes", 6 + snowmen.size() - cut_at}});
  CHECK(text.substr(0, note) + rest.substr(0, rest.rfind("\n[")) == snowmen);
}

TEST_CASE("byte ranges end between characters and say where they are", "[tools]") {
  FileBench bench("ab☃cd");
  CHECK(bench.read({{"offset_bytes", 0}, {"max_bytes", 4}}) ==
        "ab\n[bytes 0-1 of 7 · next: read_file {\"path\":\"/home/user/a.txt\",\"offset_bytes\":2}]");
  CHECK(bench.read({{"offset_bytes", 2}}) == "☃cd\n[bytes 2-6 of 7]");
  CHECK(bench.read({{"offset_bytes", 99}}) == "[nothing at offset 7: the file has 7 bytes]");
}

TEST_CASE("base64 is exact and continues", "[tools]") {
  std::string bytes;
  for (int i = 0; i < 3000; ++i) bytes += static_cast<char>(i * 13);
  FileBench bench(bytes);
  CHECK(bench.read({{"encoding", "base64"}}) == base64_encode(bytes));
  std::string all;
  while (all.size() < bytes.size()) {
    const std::string page =
        bench.read({{"encoding", "base64"}, {"max_chars", 1000}, {"offset_bytes", all.size()}});
    CHECK(page.size() <= 1000);
    all += base64_decode(page.substr(0, page.find("\n["))).value();
  }
  CHECK(all == bytes);
}

TEST_CASE("images are image blocks up to the cap", "[tools]") {
  FileBench bench(kPng + std::string(100, '\0'));
  auto result = bench.run("read_file", {{"path", "x.png"}});
  REQUIRE(result.content.size() == 2);
  CHECK(result.content[1].kind == mcp::Content::Kind::image);
  CHECK(result.content[1].mime_type == "image/png");
  CHECK(result.content[1].data == bench.file);
  CHECK_THAT(text_of(result),
             ContainsSubstring("image/png, " + std::to_string(bench.file.size()) + " bytes"));
  bench.limits.image_cap = 50;
  result = bench.run("read_file", {{"path", "x.png"}});
  CHECK(result.content.size() == 1);
  CHECK_THAT(text_of(result), ContainsSubstring("Make it smaller"));
}

TEST_CASE("other binary files are described", "[tools]") {
  FileBench bench(
      "\x7f"
      "ELF\0\0"s);
  CHECK_THAT(bench.read(), ContainsSubstring("is not text: application/x-executable, 6 bytes"));
  CHECK(bench.read({{"encoding", "text"}}) == bench.file);
  FileBench latin("caf\xe9 and more text in an older encoding\n");
  CHECK(latin.read() ==
        "caf\xEF\xBF\xBD and more text in an older encoding\n"
        "[bytes that are not UTF-8 are shown as U+FFFD; encoding \"base64\" is exact]");
}

TEST_CASE("file types are told by their first bytes", "[tools]") {
  using tools::image_type;
  CHECK(image_type(kPng) == "image/png");
  CHECK(image_type("\xff\xd8\xff\xe0") == "image/jpeg");
  CHECK(image_type("GIF89a") == "image/gif");
  CHECK(image_type("RIFF\x10\0\0\0WEBPVP8 "s) == "image/webp");
  CHECK(image_type("RIFF\x10\0\0\0WAVE"s).empty());
  CHECK(image_type("").empty());
  CHECK(tools::is_text("", true));
  CHECK(tools::is_text("caf\xc3", false));
  CHECK_FALSE(tools::is_text("a\0b"s, true));
  CHECK_FALSE(tools::is_text("\x1f\x8b\x08\x01\x02\x03zzzzzzzzzzzzzzzzzzzzzzzzzz", true));
}

TEST_CASE("read_file refuses what does not go together", "[tools]") {
  FileBench bench("x");
  CHECK_THAT(bench.read({{"start_line", 1}, {"offset_bytes", 0}}), ContainsSubstring("/start_line"));
  CHECK_THAT(bench.read({{"max_lines", 1}, {"encoding", "base64"}}), ContainsSubstring("/max_lines"));
  CHECK_THAT(bench.read({{"start_line", 0}}), ContainsSubstring("/start_line"));
}

TEST_CASE("a file that cannot be read is explained", "[tools]") {
  ToolBench bench;
  Error error{ErrorCode::not_found, "open: No such file or directory"};
  std::map<std::string, FileInfo> files;
  bench.runner().on_read_lines = [&](const std::string&, LineRange, const Op&,
                                     const Completion<FileData>& done) { done(error); };
  bench.runner().on_stat_file = [&](const std::string& path, bool, const Op&,
                                    const Completion<FileInfo>& done) {
    const auto found = files.find(path);
    if (found == files.end()) return done(Error{ErrorCode::not_found, "none"});
    done(found->second);
  };
  const auto read = [&](const std::string& path) {
    const auto result = bench.run("read_file", {{"path", path}});
    CHECK(result.is_error);
    return text_of(result);
  };
  CHECK_THAT(read("x/y"), ContainsSubstring("Its directory \"/home/user/x\" does not exist either"));
  files["/home/user/x"].type = sandbox::FileType::dir;
  CHECK_THAT(read("x/y"), ContainsSubstring("Its directory exists"));
  error = {ErrorCode::failed_precondition, "not a regular file"};
  CHECK_THAT(read("x"), ContainsSubstring("is a directory"));
  files["/dev/x"].type = sandbox::FileType::other;
  CHECK_THAT(read("/dev/x"), ContainsSubstring("not a regular file; use exec"));
  error = {ErrorCode::permission_denied, "open: Permission denied"};
  files["/a"] = {};
  CHECK_THAT(read("/a"), ContainsSubstring("Permission denied"));
}
