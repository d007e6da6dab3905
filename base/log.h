// Log lines on stderr.
//
// A line is written whole or not at all: stderr may be a pipe that nobody reads, and a server must not stop
// for it, so lines that do not fit are dropped and counted (the next line that fits says how many). Callers
// never log secrets or the contents of commands and files.
#pragma once

#include <string_view>

namespace rexec {

enum class LogLevel { debug, info, warning, error, off };
enum class LogFormat { text, json };

/// Process-wide; called by main before any thread starts.
void configure_log(LogLevel level, LogFormat format, int fd);

bool log_enabled(LogLevel level);
/// One line. Control characters are escaped; lines are cut at 4 KiB. Thread-safe, does not block.
void log(LogLevel level, std::string_view component, std::string_view message);

}  // namespace rexec
