#include "sandbox-client/local/sealed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace rexec::sandbox {

Result<SealedFile> SealedFile::make(std::string_view bytes) {
  UniqueFd fd(memfd_create("rexec", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return errno_error("memfd_create", errno);
  RETURN_IF_ERROR(write_all(fd.get(), bytes));
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    return errno_error("sealing a file in memory", errno);
  return SealedFile(std::move(fd));
}

Result<UniqueFd> SealedFile::open() const {
  const std::string path = "/proc/self/fd/" + std::to_string(fd_.get());
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("opening a file in memory", errno);
  return fd;
}

Result<UniqueFd> make_message_file(std::size_t size) {
  UniqueFd fd(memfd_create("rexec", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return errno_error("memfd_create", errno);
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return errno_error("ftruncate", errno);
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return errno_error("sealing a file in memory", errno);
  return fd;
}

std::string read_messages(int fd, std::size_t size) {
  std::string text(size, '\0');
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  text.resize(std::min(text.find('\0'), text.size()));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace rexec::sandbox
