// Names of signals (signal(7)).
#pragma once

#include <string>
#include <string_view>

namespace rexec::tools {

/// "SIGKILL"; "signal 64" for a number without a name.
std::string signal_name(int number);
/// Number of a signal by its name without SIG; 0 for an unknown one.
int signal_number(std::string_view name);
/// Whether a process that does nothing about it ends by this signal.
bool ends_processes(int number);

}  // namespace rexec::tools
