#include "sandbox-client/local/runner_image.h"

// Made by cmake/embed.cmake.
extern "C" const char rexec_runner_image_begin[];
extern "C" const char rexec_runner_image_end[];

namespace rexec::sandbox {

std::string_view runner_image() {
  return {rexec_runner_image_begin,
          static_cast<std::size_t>(rexec_runner_image_end - rexec_runner_image_begin)};
}

}  // namespace rexec::sandbox
