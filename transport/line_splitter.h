// Lines out of a stream of bytes, in bounded memory: at most one line of the allowed length is kept.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace rexec::transport {

class LineSplitter {
 public:
  struct Sink {
    std::function<void(std::string)> line;  // without its terminator, never empty
    std::function<void()> oversized;        // once for a line that is too long, as soon as that is known
  };

  /// `max_line` counts the bytes of a line without its terminator.
  LineSplitter(std::size_t max_line, Sink sink);

  /// Lines end with \n or \r\n; empty ones are skipped.
  void feed(std::string_view bytes);
  /// The stream has ended: what is left is a line, too.
  void end();

 private:
  void append(std::string_view part);
  void complete();

  const std::size_t max_line_;
  const Sink sink_;
  std::string partial_;
  bool discarding_ = false;
};

}  // namespace rexec::transport
