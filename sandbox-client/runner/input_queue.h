// Standard input of a process on its way: bytes that were accepted from writers and not yet taken by the
// pipe.
//
// Each writer counts its own bytes, so that a resend after a lost connection is recognised; the bytes of
// different writers are put one after the other in the order in which they were accepted. Of more than
// kMaxWriters the one that wrote longest ago is forgotten: servers come and go during the life of a process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace rexec::runner {

class InputQueue {
 public:
  static constexpr std::size_t kMaxWriters = 16;
  static constexpr std::size_t kMaxWriterName = 32;

  enum class Verdict { accepted, gap, long_name };

  /// Less than kInputQueue is waiting.
  bool has_room() const;
  /// Queues what is new of `data`, which begins at `offset` of the writer's input; nothing unless accepted.
  /// After close() it is accepted but goes nowhere.
  Verdict accept(const std::string& writer, std::uint64_t offset, std::string_view data);
  /// Queues bytes that belong to no writer.
  void append(std::string_view data);
  /// Bytes accepted from a writer.
  std::uint64_t accepted(const std::string& writer) const;

  /// The end follows what is queued.
  void close() { closing_ = true; }
  /// Nobody reads any more: drops what is queued.
  void abandon();

  bool empty() const { return taken_ == bytes_.size(); }
  /// The end can be passed on now.
  bool at_end() const { return closing_ && empty(); }
  bool closing() const { return closing_; }
  std::string_view front() const { return std::string_view(bytes_).substr(taken_); }
  void pop(std::size_t size);

 private:
  std::string bytes_;
  std::size_t taken_ = 0;
  struct Writer {
    std::uint64_t accepted = 0;
    std::uint64_t turn = 0;  // of its last bytes
  };

  std::map<std::string, Writer> writers_;
  std::uint64_t turns_ = 0;
  bool closing_ = false;
};

}  // namespace rexec::runner
