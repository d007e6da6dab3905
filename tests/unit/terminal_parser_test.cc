#include "sandbox-client/terminal/parser.h"

#include "tests/support/catch.h"

namespace rexec::terminal {
namespace {

// Writes down what it is told, one item after the other.
class Recorder final : public ParserActions {
 public:
  void print_ascii(std::string_view run) override { text_ += run; }
  void print(char32_t character) override {
    flush();
    std::array<char, 16> hex{};
    std::snprintf(hex.data(), hex.size(), "U+%04X", static_cast<unsigned>(character));
    items_ += std::string(hex.data()) + ' ';
  }
  void execute(char control) override {
    flush();
    items_ += "^" + std::string(1, static_cast<char>(control + '@')) + ' ';
  }
  void escape(const Sequence& sequence) override { item("ESC", sequence); }
  void control_sequence(const Sequence& sequence) override { item("CSI", sequence); }
  void osc(std::uint64_t offset, std::string_view text, bool bell) override {
    flush();
    items_ += "OSC" + std::to_string(offset) + "{" + std::string(text) + (bell ? "}^G " : "} ");
  }
  void dcs(const Sequence& sequence, std::string_view data) override {
    item("DCS", sequence);
    items_ += "{" + std::string(data) + "} ";
  }
  std::string take() {
    flush();
    if (!items_.empty()) items_.pop_back();
    return std::exchange(items_, {});
  }

 private:
  void flush() {
    if (!text_.empty()) items_ += "'" + text_ + "' ";
    text_.clear();
  }
  void item(const std::string& what, const Sequence& sequence) {
    flush();
    items_ += what;
    if (sequence.prefix != 0) items_ += sequence.prefix;
    for (std::size_t i = 0; i < sequence.count; ++i) {
      const auto& parameter = sequence.parameters[i];
      if (i > 0) items_ += parameter.sub ? ':' : ';';
      if (!parameter.missing) items_ += std::to_string(parameter.value);
    }
    for (std::size_t i = 0; i < sequence.intermediate_count; ++i) items_ += sequence.intermediates[i];
    items_ += std::string(1, sequence.final) + ' ';
  }

  std::string items_;
  std::string text_;
};

std::string parsed(std::string_view bytes) {
  Recorder recorder;
  Parser parser(recorder);
  parser.feed(bytes);
  return recorder.take();
}

}  // namespace

TEST_CASE("Parser tells text, controls and sequences apart", "[terminal]") {
  CHECK(parsed("abc\r\n~ ") == "'abc' ^M ^J '~ '");
  CHECK(parsed("\x1B[1;31mx") == "CSI1;31m 'x'");
  CHECK(parsed("\x1B[m\x1B[;5H\x1B[?25l") == "CSIm CSI;5H CSI?25l");
  CHECK(parsed("\x1B[4:3m\x1B[38:2::1:2:3;4m") == "CSI4:3m CSI38:2::1:2:3;4m");
  CHECK(parsed("\x1B[2 q\x1B[!p\x1B(0\x1B#8") == "CSI2 q CSI!p ESC(0 ESC#8");
  CHECK(parsed("\x1B"
               "7\x1B=\x1B\\") == "ESC7 ESC= ESC\\");
}

TEST_CASE("Parser executes controls within sequences and drops what CAN and SUB interrupt", "[terminal]") {
  CHECK(parsed("\x1B[1\n2mx") == "^J CSI12m 'x'");
  CHECK(parsed("\x1B[12\x18x") == "'x'");
  CHECK(parsed("\x1B]0;title\x1Ax") == "'x'");
  CHECK(parsed("\x1B[1\x1B[2m") == "CSI2m");
  CHECK(parsed("\x1B[1\x7F\xC3\xA9m") == "CSI1m");
}

TEST_CASE("Parser skips sequences that are not well-formed", "[terminal]") {
  CHECK(parsed("\x1B[1?2hx") == "'x'");
  CHECK(parsed("\x1B[1 2hx") == "'x'");
  CHECK(parsed("\x1B[?>1hx") == "'x'");
  CHECK(parsed("\x1BP1:2qdata\x1B\\x") == "'x'");
}

TEST_CASE("Parser collects strings and drops unfinished ones", "[terminal]") {
  CHECK(parsed("\x1B]0;a b\x1B\\x") == "OSC0{0;a b} 'x'");
  CHECK(parsed("ab\x1B]2;\xC3\xA9\ax") == "'ab' OSC2{2;\xC3\xA9}^G 'x'");
  CHECK(parsed("\x1B]0;cut\x1B[1mx") == "CSI1m 'x'");
  CHECK(parsed("\x1BP1$qm\x1B\\x") == "DCS1$q {m} 'x'");
  CHECK(parsed("\x1BPqa\ab\x1B\\x") == "DCSq {ab} 'x'");
  CHECK(parsed("\x1B_apc\x1B\\\x1B^pm\x1B\\\x1BXsos\x1B\\\x1Bktitle\x1B\\x") == "'x'");
  CHECK(parsed("\x1B]0;a\x1B\x1B\\x") == "ESC\\ 'x'");
}

TEST_CASE("Parser decodes UTF-8 and replaces what is none", "[terminal]") {
  CHECK(parsed("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") == "U+00E9 U+20AC U+1F600");
  CHECK(parsed("\xC3x") == "U+FFFD 'x'");
  CHECK(parsed("\xE2\x82\x1B[m") == "U+FFFD CSIm");
  CHECK(parsed("\x80\xFF\xC0\xAF") == "U+FFFD U+FFFD U+FFFD U+FFFD");
  CHECK(parsed("\xED\xA0\x80") == "U+FFFD U+FFFD U+FFFD");
  CHECK(parsed("\xF4\x90\x80\x80") == "U+FFFD U+FFFD U+FFFD U+FFFD");
  CHECK(parsed("\xE2\xE2\x82\xAC") == "U+FFFD U+20AC");
}

TEST_CASE("Parser takes no raw byte for an 8-bit control", "[terminal]") {
  CHECK(parsed("\x9B"
               "1mx") == "U+FFFD '1mx'");
  CHECK(parsed("\xC2\x9B"
               "1m") == "U+009B '1m'");
}

TEST_CASE("Parser bounds parameters, intermediates and strings", "[terminal]") {
  std::string many = "\x1B[";
  for (std::size_t i = 0; i < kMaxParameters + 10; ++i) many += "7;";
  std::string kept = "CSI7";
  for (std::size_t i = 1; i < kMaxParameters; ++i) kept += ";7";
  CHECK(parsed(many + "m") == kept + "m");
  CHECK(parsed("\x1B[99999999999999999999A") == "CSI65535A");
  CHECK(parsed("\x1B[1 !\"px\x1B !\"Ax") == "'xx'");
  const std::string longest(kMaxStringBytes - 2, 'x');
  CHECK(parsed("\x1B]0;" + longest + "\a") == "OSC0{0;" + longest + "}^G");
  CHECK(parsed("\x1B]0;" + longest + "y\ax") == "'x'");
  CHECK(parsed("\x1BPq" + longest + "yyy\x1B\\x") == "'x'");
}

TEST_CASE("Parser goes on from a saved state", "[terminal]") {
  const std::string bytes =
      "a\xC3\xA9\xF0\x9F\x98\x80\x1B[38:2::1;;7m\x1B]0;title\x1B\\\x1BP1$qm\x1B\\\x1B(0\x1B[1\n!p\x1B_"
      "x\x1B\\z";
  const std::string whole = parsed(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Recorder recorder;
    Parser first(recorder);
    first.feed(std::string_view(bytes).substr(0, cut));
    ByteWriter writer;
    first.save(writer);
    const std::string state = writer.take();
    Parser second(recorder);
    ByteReader reader(state);
    second.load(reader);
    REQUIRE(reader.ok());
    CHECK(reader.at_end());
    CHECK(second.offset() == cut);
    second.feed(std::string_view(bytes).substr(cut));
    CHECK(recorder.take() == whole);
  }
}

}  // namespace rexec::terminal
