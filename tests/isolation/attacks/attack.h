// One program with many attacks, for tests/isolation: the same binary runs inside of a sandbox, where each
// must be refused, and outside, where each must work - else the case could not fail.
//
// Exit status: 0 it worked, 1 it was refused, 2 it could not be tried, 3 this kernel does not have it. A call
// that would harm the machine is made with arguments that the kernel refuses only after it has looked at the
// caller's rights.
#pragma once

#include <cerrno>
#include <span>

namespace rexec::attacks {

inline constexpr int kWorked = 0;
inline constexpr int kRefused = 1;
inline constexpr int kNotTried = 2;
inline constexpr int kAbsent = 3;

using Arguments = std::span<char* const>;

struct Attack {
  const char* name;
  int arguments;  // how many it takes, at least
  int (*run)(Arguments);
};

/// The status of what worked or left errno; says the error on standard error.
int verdict(bool worked);
/// The status of a call whose arguments are wrong on purpose: whether the kernel came to look at them. A
/// result of at least 0 also is "worked".
int reached(long result);
long number(const char* text);

std::span<const Attack> process_attacks();
std::span<const Attack> kernel_attacks();
std::span<const Attack> namespace_attacks();
std::span<const Attack> resource_attacks();

}  // namespace rexec::attacks
