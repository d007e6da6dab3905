#include "app/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace rexec::app {

Result<std::shared_ptr<Mailbox>> Mailbox::make() {
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.valid()) return errno_error("eventfd", errno);
  return std::make_shared<Mailbox>(std::move(event));
}

void Mailbox::put(Letter letter) {
  {
    const MutexLock lock(mutex_);
    letters_.push_back(std::move(letter));
  }
  const std::uint64_t one = 1;
  (void)!::write(event_.get(), &one, sizeof one);
}

void Mailbox::deliver() {
  std::uint64_t count = 0;
  (void)!::read(event_.get(), &count, sizeof count);
  std::vector<Letter> letters;
  {
    const MutexLock lock(mutex_);
    letters.swap(letters_);
  }
  for (const Letter& letter : letters) letter();
}

}  // namespace rexec::app
