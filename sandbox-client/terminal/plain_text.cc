#include "sandbox-client/terminal/plain_text.h"

#include <algorithm>

#include "sandbox-client/terminal/parser.h"
#include "sandbox-client/terminal/row.h"

namespace rexec::terminal {
class PlainText::Collector final : public ParserActions {
 public:
  Collector() : parser_(*this) {}

  std::size_t feed(std::string_view bytes) {
    unchanged_ = text_.size();
    parser_.feed(bytes);
    const std::size_t unchanged = dropped_ + unchanged_;
    drop();
    return unchanged;
  }
  const std::string& text() const { return text_; }
  std::size_t dropped() const { return dropped_; }

  void drop() {
    if (text_.size() <= 2 * kKeptBytes) return;
    // Not within a character: those who search would take the rest of it for one.
    std::size_t cut = text_.size() - kKeptBytes;
    while (cut < text_.size() && (static_cast<unsigned char>(text_[cut]) & 0xC0) == 0x80) ++cut;
    text_.erase(0, cut);
    dropped_ += cut;
  }

  void print_ascii(std::string_view run) override {
    end_return();
    text_ += run;
  }
  void print(char32_t character) override {
    end_return();
    append_utf8(text_, character);
  }
  void execute(char control) override {
    switch (control) {
      case '\r':
        returned_ = true;
        return;
      case '\n':
      case '\v':
      case '\f':
        returned_ = false;
        text_ += '\n';
        return;
      case '\t':
        end_return();
        text_ += '\t';
        return;
      case '\b':
        take_back();
        return;
      default:
        return;
    }
  }
  void escape(const Sequence& sequence) override {
    // IND, NEL, RI, RIS.
    if (sequence.intermediate_count == 0 &&
        std::string_view("DEMc").find(sequence.final) != std::string_view::npos)
      jump();
  }
  void control_sequence(const Sequence& sequence) override {
    if (sequence.prefix != 0 || sequence.intermediate_count != 0) return;
    switch (sequence.final) {
      case 'C':  // CUF, CHA, HPA, HPR, CHT: within the line
      case 'G':
      case '`':
      case 'a':
      case 'I':
        gap();
        return;
      case 'A':  // CUU, CUD, CNL, CPL, CUP, HVP, VPA, VPR: elsewhere
      case 'B':
      case 'E':
      case 'F':
      case 'H':
      case 'f':
      case 'd':
      case 'e':
        jump();
        return;
      default:
        return;
    }
  }
  void osc(std::uint64_t, std::string_view, bool) override {}
  void dcs(const Sequence&, std::string_view) override {}

 private:
  bool at_line_start() const { return text_.empty() || text_.back() == '\n'; }
  void jump() {
    returned_ = false;
    if (!at_line_start()) text_ += '\n';
  }
  void gap() {
    if (returned_ || at_line_start() || text_.back() == ' ') return;
    text_ += ' ';
  }
  /// A return that no line feed followed: what comes overwrites the line.
  void end_return() {
    if (returned_) jump();
  }
  void take_back() {
    if (returned_ || at_line_start()) return;
    while (!text_.empty() && (static_cast<unsigned char>(text_.back()) & 0xC0) == 0x80) text_.pop_back();
    if (!text_.empty()) text_.pop_back();
    unchanged_ = std::min(unchanged_, text_.size());
  }

  Parser parser_;
  std::string text_;
  std::size_t dropped_ = 0;
  std::size_t unchanged_ = 0;  // of text_, since the bytes at hand began
  bool returned_ = false;
};

PlainText::PlainText() : collector_(std::make_unique<Collector>()) {}
PlainText::~PlainText() = default;
PlainText::PlainText(PlainText&&) noexcept = default;
PlainText& PlainText::operator=(PlainText&&) noexcept = default;

std::size_t PlainText::feed(std::string_view bytes) {
  std::size_t unchanged = collector_->dropped() + collector_->text().size();
  // In pieces, so that what is dropped is dropped in time.
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kKeptBytes)))
    unchanged = std::min(unchanged, collector_->feed(bytes.substr(0, kKeptBytes)));
  return unchanged;
}

const std::string& PlainText::text() const {
  return collector_->text();
}

std::size_t PlainText::dropped() const {
  return collector_->dropped();
}

}  // namespace rexec::terminal
