// The seccomp filter that keeps a command from changing its tag; see lineage.h.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "sandbox-client/runner/lineage.h"

namespace rexec::runner {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kNative = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kCompat = AUDIT_ARCH_I386;
constexpr std::uint32_t kCompatSetrlimit = 75;
constexpr std::uint32_t kCompatPrlimit = 340;
constexpr std::uint32_t kNumberMask = ~std::uint32_t{0x40000000};  // x32 shares the native numbers
#elif defined(__aarch64__)
constexpr std::uint32_t kNative = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kCompat = AUDIT_ARCH_ARM;
constexpr std::uint32_t kCompatSetrlimit = 75;
constexpr std::uint32_t kCompatPrlimit = 369;
constexpr std::uint32_t kNumberMask = ~std::uint32_t{0};
#else
#error "the runner knows x86_64 and aarch64"
#endif

constexpr std::uint32_t kLowHalf = 0;  // both machines are little-endian
constexpr std::uint32_t kHighHalf = 4;

sock_filter statement(std::uint32_t code, std::uint32_t value) {
  return {static_cast<std::uint16_t>(code), 0, 0, value};
}
sock_filter load(std::size_t offset) {
  return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
sock_filter load_argument(int index, std::uint32_t half) {
  return load(offsetof(seccomp_data, args) + static_cast<std::size_t>(index) * 8 + half);
}
sock_filter if_equal(std::uint32_t value, std::uint8_t skip_if_equal, std::uint8_t skip_otherwise) {
  return {BPF_JMP | BPF_JEQ | BPF_K, skip_if_equal, skip_otherwise, value};
}

}  // namespace

int seal_tags(const std::uint64_t (&secret)[2]) {
  const auto half = [&](int index, int shift) { return static_cast<std::uint32_t>(secret[index] >> shift); };
  const sock_filter allow = statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_filter deny = statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  const std::vector<sock_filter> program = {
      /* 0*/ load(offsetof(seccomp_data, arch)),
      /* 1*/ if_equal(kNative, 5, 0),
      /* 2*/ if_equal(kCompat, 0, 3),
      /* 3*/ load(offsetof(seccomp_data, nr)),
      /* 4*/ if_equal(kCompatSetrlimit, 6, 0),
      /* 5*/ if_equal(kCompatPrlimit, 7, 0),
      /* 6*/ allow,
      /* 7*/ load(offsetof(seccomp_data, nr)),
      /* 8*/ statement(BPF_ALU | BPF_AND | BPF_K, kNumberMask),
      /* 9*/ if_equal(SYS_prlimit64, 3, 0),
      /*10*/ if_equal(SYS_setrlimit, 0, 16),
      /*11*/ load_argument(0, kLowHalf),  // setrlimit(resource, …)
      /*12*/ if_equal(RLIMIT_LOCKS, 15, 14),
      /*13*/ load_argument(1, kLowHalf),  // prlimit(pid, resource, new limit, …)
      /*14*/ if_equal(RLIMIT_LOCKS, 0, 12),
      /*15*/ load_argument(2, kLowHalf),
      /*16*/ if_equal(0, 0, 2),
      /*17*/ load_argument(2, kHighHalf),
      /*18*/ if_equal(0, 8, 0),  // only reading
      /*19*/ load_argument(4, kLowHalf),
      /*20*/ if_equal(half(0, 0), 0, 7),
      /*21*/ load_argument(4, kHighHalf),
      /*22*/ if_equal(half(0, 32), 0, 5),
      /*23*/ load_argument(5, kLowHalf),
      /*24*/ if_equal(half(1, 0), 0, 3),
      /*25*/ load_argument(5, kHighHalf),
      /*26*/ if_equal(half(1, 32), 0, 1),
      /*27*/ allow,
      /*28*/ deny,
  };
  sock_fprog filter{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  // Before Linux 5.16 a filter turns on the mitigation of speculative store bypass unless told not to.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) == 0) return 0;
  if (errno != EINVAL) return errno;
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0 ? 0 : errno;
}

}  // namespace rexec::runner
