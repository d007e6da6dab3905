// The system calls that a sandbox may not make.
//
// The filter allows everything that ordinary programs, compilers and debuggers use (ptrace included) and
// refuses what only serves to reach the kernel's less-travelled parts or to leave the namespaces: mounting,
// new namespaces, kernel keyrings, bpf, perf, io_uring, userfaultfd, modules, kexec, handles of files, the
// injection of terminal input, and sockets of families other than unix, internet and netlink (AF_VSOCK leads
// to the machine that hosts a virtual machine, whatever the network namespace).
//
// Refused calls fail with EPERM, clone3 with ENOSYS (its flags are behind a pointer that a filter cannot
// read; the C libraries then use clone), sockets with EAFNOSUPPORT. A call by another ABI of the processor
// (x32, i386) ends the process with SIGSYS. Sources: seccomp(2), bpf program layout of linux/filter.h,
// libseccomp.
#pragma once

#include <string>

#include "base/result.h"

namespace rexec::sandbox {

/// The program for this machine's native architecture: an array of struct sock_filter, as seccomp(2) and
/// bwrap --seccomp take it. Any thread.
Result<std::string> seccomp_filter();

}  // namespace rexec::sandbox
