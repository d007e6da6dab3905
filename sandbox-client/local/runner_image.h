// The runner as bytes: what is copied into each sandbox and executed there.
#pragma once

#include <string_view>

namespace rexec::sandbox {

/// A static executable for this machine; embedded in the server at build time.
std::string_view runner_image();

}  // namespace rexec::sandbox
