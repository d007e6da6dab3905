// Bytes of a terminal's output, taken apart into characters, controls and control sequences.
//
// The state machine is the one that Paul Williams derived from the VT500
// (https://vt100.net/emu/dec_ansi_parser), for UTF-8: bytes from 0x80 on are parts of characters wherever
// they can be, never 8-bit controls, and are ignored within a sequence. As in xterm, a colon separates
// sub-parameters (ECMA-48 5.4.2), CAN and SUB abandon whatever they interrupt, and a string that is ended by
// anything but ST (or BEL, for OSC) is dropped.
//
// Any split of the bytes among calls of feed() has the same result. Nothing grows: see limits.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox-client/terminal/bytes.h"
#include "sandbox-client/terminal/limits.h"

namespace rexec::terminal {

/// An escape or control sequence, without its characters' order: CSI prefix parameters intermediates final.
struct Sequence {
  struct Parameter {
    std::uint16_t value = 0;
    bool missing = true;
    bool sub = false;  // follows a colon, so it belongs to the one before
  };
  std::array<Parameter, kMaxParameters> parameters;
  std::uint8_t count = 0;
  char prefix = 0;  // one of < = > ?, or 0
  std::array<char, kMaxIntermediates> intermediates = {};
  std::uint8_t intermediate_count = 0;
  bool invalid = false;  // too many intermediates
  bool has_sub = false;
  char final = 0;
  std::uint64_t offset = 0;  // in the stream, of its first byte

  /// A parameter, or `fallback` when it is missing or zero.
  int get(std::size_t index, int fallback) const {
    return index < count && parameters[index].value != 0 ? parameters[index].value : fallback;
  }
};

enum class StringKind : std::uint8_t { none, osc, dcs, ignored };

/// What a Parser calls, in the order of the bytes. None of it fails.
class ParserActions {
 public:
  virtual ~ParserActions() = default;
  /// A run of characters from 0x20 to 0x7E; never empty.
  virtual void print_ascii(std::string_view run) = 0;
  /// Any other character. U+FFFD stands for a maximal ill-formed part.
  virtual void print(char32_t character) = 0;
  /// A control from 0x00 to 0x1F.
  virtual void execute(char control) = 0;
  virtual void escape(const Sequence& sequence) = 0;
  virtual void control_sequence(const Sequence& sequence) = 0;
  /// A complete OSC. `bell`: it was ended by BEL, so a reply is as well.
  virtual void osc(std::uint64_t offset, std::string_view text, bool bell) = 0;
  /// A complete DCS: what came before its data, and the data.
  virtual void dcs(const Sequence& sequence, std::string_view data) = 0;
};

class Parser {
 public:
  explicit Parser(ParserActions& actions) : actions_(actions) {}

  void feed(std::string_view bytes);
  /// How many bytes were fed in all.
  std::uint64_t offset() const { return offset_; }
  void set_offset(std::uint64_t offset) { offset_ = offset; }

  /// Bytes of the state between two calls, and back. load() leaves the reader failed for what save() cannot
  /// write.
  void save(ByteWriter& writer) const;
  void load(ByteReader& reader);

 private:
  enum class State : std::uint8_t {
    ground,
    escape,
    escape_intermediate,
    csi_entry,
    csi_parameter,
    csi_intermediate,
    csi_ignore,
    dcs_entry,
    dcs_parameter,
    dcs_intermediate,
    string,         // its bytes are collected, or ignored
    string_escape,  // ESC within a string: its end when a backslash follows
  };

  std::size_t ground(std::string_view bytes);
  void byte(char c);
  void utf8_byte(unsigned char c);
  void utf8_begin(unsigned char c);
  void enter_escape();
  void escape_byte(char c);
  void csi_byte(char c);
  void dcs_byte(char c);
  void string_byte(char c);
  void begin_string(StringKind kind);
  void end_string(bool bell);
  void collect(char c);
  void parameter(char c);
  bool control_within_sequence(char c);

  ParserActions& actions_;
  State state_ = State::ground;
  std::uint64_t offset_ = 0;  // of the byte at hand
  Sequence sequence_;

  std::string string_;
  StringKind string_kind_ = StringKind::none;
  bool string_too_long_ = false;

  // A character of which some bytes are still to come, and between which the next of them has to be.
  char32_t character_ = 0;
  std::uint8_t missing_bytes_ = 0;
  std::uint8_t low_ = 0x80;
  std::uint8_t high_ = 0xBF;
};

}  // namespace rexec::terminal
