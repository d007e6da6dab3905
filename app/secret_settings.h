// The setting `secrets`: {NAME: {"file": PATH} | {"env": VARIABLE} | {"command": LINE or [PROGRAM,
// ARGUMENT...]}}.
//
// No function here shows a value. The setting itself shows names and kinds of source, and of commands nothing
// more, since a command line may hold a password.
#pragma once

#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/json.h"
#include "base/result.h"
#include "tools/secrets.h"

namespace rexec::app {

inline constexpr std::size_t kMaxSecrets = 64;
inline constexpr std::size_t kMaxSecretName = 64;
/// How long a command may take to print a value; a person may have to unlock something.
inline constexpr Duration kSecretCommandTime = std::chrono::seconds(30);

Json secrets_schema();
/// What is wrong with a value that the schema accepts, or empty.
std::string check_secrets(const Json& setting);
/// The setting as it may be shown.
Json without_commands(const Json& setting);

/// How to get each value, by name. Files and commands are read on the thread that asks, as the user who runs
/// the server; one line end at the end of their contents is left out.
std::vector<tools::SecretSource> secret_sources(const Json& setting);

}  // namespace rexec::app
