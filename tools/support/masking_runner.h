// A Runner whose output, files and messages have their secrets masked, at whatever window of them one looks.
//
// After each answer it fetches what lies beside the bytes that were asked for, as far as Masker::context()
// reaches, so it costs one more exchange where a window begins or ends inside of a stream. Where nothing can
// be fetched, because output is lost or not written yet, or lines lie outside of a diff, what may be part of
// a secret is masked. A search asks for more lines around its matches than the caller does, so it may stop
// for the size of its answer earlier. A masked path in a listing has a position beside it that tells nothing
// and takes the listing on; it ends with the secrets that it was made with. A selection of lines by a
// caller's regular expression sees masked bytes too. What the caller sends is passed on.
#pragma once

#include <memory>

#include "sandbox-client/runner_client.h"
#include "tools/secrets.h"

namespace rexec::tools {

std::shared_ptr<sandbox::Runner> make_masking_runner(std::shared_ptr<sandbox::Runner> runner,
                                                     std::shared_ptr<const Secrets::Loaded> secrets);

}  // namespace rexec::tools
