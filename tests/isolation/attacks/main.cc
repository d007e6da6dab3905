#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/isolation/attacks/attack.h"

namespace rexec::attacks {

int verdict(bool worked) {
  if (worked) return kWorked;
  const int error = errno;
  std::fprintf(stderr, "%s\n", std::strerror(error));
  for (const int absent : {ENOSYS, EOPNOTSUPP, ENODEV, ENXIO, EAFNOSUPPORT, EPROTONOSUPPORT})
    if (error == absent) return kAbsent;
  return kRefused;
}

int reached(long result) {
  if (result >= 0) return kWorked;
  return verdict(errno != EPERM && errno != EACCES && errno != ESRCH && errno != ENOSYS);
}

long number(const char* text) {
  return std::strtol(text, nullptr, 0);
}

}  // namespace rexec::attacks

int main(int count, char** arguments) {
  using namespace rexec::attacks;
  const std::string_view wanted = count > 1 ? arguments[1] : "";
  for (const auto& attacks : {process_attacks(), kernel_attacks(), namespace_attacks(), resource_attacks()}) {
    for (const Attack& attack : attacks) {
      if (attack.name != wanted || count - 2 < attack.arguments) continue;
      return attack.run(Arguments(arguments + 2, static_cast<std::size_t>(count - 2)));
    }
  }
  std::fprintf(stderr, "no such attack, or too few arguments: %s\n", count > 1 ? arguments[1] : "");
  return kNotTried;
}
