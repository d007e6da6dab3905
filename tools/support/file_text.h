// Contents of files as texts: the contents exactly, then one line in brackets when they are not the whole
// file.
#pragma once

#include <cstddef>
#include <string>

#include "sandbox-client/runner_client.h"

namespace rexec::tools {

/// Lines, as many as fit `max_chars` characters together with the closing line. Invalid UTF-8 becomes U+FFFD,
/// which the closing line says.
std::string present_lines(const std::string& path, const sandbox::FileData& data, std::size_t max_chars);

/// A range of bytes as text, cut between characters.
std::string present_bytes(const std::string& path, const sandbox::FileData& data, std::size_t max_chars);

/// A range of bytes as base64.
std::string present_base64(const std::string& path, const sandbox::FileData& data, std::size_t max_chars);

/// What a file is that is not shown.
std::string describe_binary(const std::string& path, const sandbox::FileData& data);

}  // namespace rexec::tools
