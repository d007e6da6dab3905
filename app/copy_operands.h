// What the two words after `cp` mean.
#pragma once

#include <span>
#include <string>

#include "base/result.h"

namespace rexec::app {

struct CopyPlan {
  bool into_sandbox = false;  // else out of it
  std::string sandbox;        // its name
  std::string sandbox_path;   // as given; "." where nothing follows the colon
  std::string host_path;      // as given; empty: standard input or output
};

/// Of SRC and DST exactly one is NAME:PATH, where NAME could be the name of a sandbox and no slash stands
/// before the colon; so ./a:b is a file of this machine. The other one is a path of this machine, or "-" for
/// standard input or output. invalid_argument says what to write instead.
Result<CopyPlan> plan_copy(const std::string& source, const std::string& destination);

}  // namespace rexec::app
