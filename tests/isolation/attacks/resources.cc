// Attacks that use up what all share. Each has a bound of its own, so that it does no harm where nothing else
// stops it.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "tests/isolation/attacks/attack.h"

namespace rexec::attacks {
namespace {

/// fork-bomb MOST: processes until the kernel refuses one, no more than MOST; they stay. One makes them all:
/// what counts is how many there can be, and thousands that run at once would only harm who tests. Prints how
/// many there were and what ended it.
int fork_bomb(Arguments arguments) {
  const long most = number(arguments[0]);
  long made = 0;
  bool refused = false;
  while (made < most && !refused) {
    const pid_t child = fork();
    if (child == 0)
      while (true) pause();
    refused = child < 0;
    if (!refused) ++made;
  }
  std::printf("%ld %s\n", made, refused ? "refused" : "unbounded");
  std::fflush(stdout);
  return kWorked;
}

/// orphans COUNT: processes whose parents are gone and which are gone at once: work for a namespace's init.
int orphans(Arguments arguments) {
  const long count = number(arguments[0]);
  for (long i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      fork();
      _exit(0);
    }
    if (child > 0) waitpid(child, nullptr, 0);
  }
  return kWorked;
}

/// zombies COUNT: children that nobody waits for until the end.
int zombies(Arguments arguments) {
  long made = 0;
  for (long i = number(arguments[0]); i > 0; --i) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) ++made;
  }
  std::printf("%ld\n", made);
  return kWorked;
}

/// descriptors PROCESSES: as many open files as the kernel gives, also inside of messages in flight.
int descriptors(Arguments arguments) {
  long opened = 0;
  const long processes = number(arguments[0]);
  int done[2];
  if (pipe(done) != 0) return kNotTried;
  for (long i = 0; i < processes; ++i) {
    const pid_t child = fork();
    if (child < 0) break;
    if (child > 0) continue;
    long own = 0;
    int pair[2];
    while (own < 100000 && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0) own += 2;
    [[maybe_unused]] const ssize_t told = write(done[1], &own, sizeof own);
    while (true) pause();
  }
  for (long i = 0; i < processes; ++i) {
    long own = 0;
    if (read(done[0], &own, sizeof own) == sizeof own) opened += own;
  }
  std::printf("%ld\n", opened);
  std::fflush(stdout);
  signal(SIGTERM, SIG_IGN);
  return kWorked;
}

/// memory MEGABYTES: touches that much, one after the other.
int memory(Arguments arguments) {
  constexpr std::size_t kMegabyte = 1 << 20;
  for (long i = number(arguments[0]); i > 0; --i) {
    void* block = mmap(nullptr, kMegabyte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return verdict(false);
    std::memset(block, 1, kMegabyte);
  }
  return kWorked;
}

/// flood MEGABYTES: output in large pieces.
int flood(Arguments arguments) {
  const std::vector<char> block(1 << 20, 'x');
  for (long i = number(arguments[0]); i > 0; --i)
    for (std::size_t done = 0; done < block.size();) {
      const ssize_t size = write(1, block.data() + done, block.size() - done);
      if (size <= 0) return verdict(false);
      done += static_cast<std::size_t>(size);
    }
  return kWorked;
}

/// drip COUNT: output in the smallest pieces, to both streams in turn.
int drip(Arguments arguments) {
  for (long i = number(arguments[0]); i > 0; --i)
    if (write(i % 2 == 0 ? 1 : 2, "x", 1) != 1) return verdict(false);
  return kWorked;
}

/// files DIRECTORY COUNT
int files(Arguments arguments) {
  const std::string directory = arguments[0];
  for (long i = number(arguments[1]); i > 0; --i) {
    const int fd = open((directory + "/" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return verdict(false);
    close(fd);
  }
  return kWorked;
}

/// deep COUNT: directories in each other, further than any path reaches.
int deep(Arguments arguments) {
  for (long i = number(arguments[0]); i > 0; --i)
    if (mkdir("deeper-and-deeper", 0700) != 0 || chdir("deeper-and-deeper") != 0) return verdict(false);
  return kWorked;
}

constexpr Attack kAttacks[] = {
    {"fork-bomb", 1, fork_bomb}, {"orphans", 1, orphans},
    {"zombies", 1, zombies},     {"descriptors", 1, descriptors},
    {"memory", 1, memory},       {"flood", 1, flood},
    {"drip", 1, drip},           {"files", 2, files},
    {"deep", 1, deep},
};

}  // namespace

std::span<const Attack> resource_attacks() {
  return kAttacks;
}

}  // namespace rexec::attacks
