#include "tools/support/signals.h"

#include <csignal>
#include <cstring>

namespace rexec::tools {

std::string signal_name(int number) {
  const char* const name = sigabbrev_np(number);
  return name ? std::string("SIG") + name : "signal " + std::to_string(number);
}

int signal_number(std::string_view name) {
  for (int number = 1; number < NSIG; ++number) {
    const char* const candidate = sigabbrev_np(number);
    if (candidate && name == candidate) return number;
  }
  return 0;
}

bool ends_processes(int number) {
  return number != SIGSTOP && number != SIGCONT;
}

}  // namespace rexec::tools
