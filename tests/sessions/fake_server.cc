// The fake tools over this process's own standard input and output.
//
//   rexec-fake-server [--hang]
//
// With --hang, the process does not end by itself after the transport has: for tests of the watchdog.
#include <cstdio>
#include <string_view>

#include "base/log.h"
#include "mcp/server.h"
#include "tests/sessions/fake_tools.h"
#include "transport/transport.h"

int main(int argc, char** argv) {
  using namespace rexec;
  transport::block_termination_signals();
  configure_log(LogLevel::error, LogFormat::text, 2);
  auto descriptors = transport::claim_stdio();
  if (!descriptors) return 1;
  // Pollution of the channel, if it were still there to be polluted.
  std::puts("this line belongs on stderr");
  std::fflush(stdout);

  test::FakeTools tools;
  WorkerPool pool(WorkerPool::Options{});
  auto server = mcp::make_server(mcp::ServerOptions{}, tools.tools(), pool);
  if (!server) return 1;
  const auto transport = transport::make_stdio_transport(std::move(*descriptors), transport::StdioOptions{});
  const Status served = transport->serve(**server, {});
  if (argc > 1 && std::string_view(argv[1]) == "--hang") {
    Mutex mutex;
    CondVar never;
    MutexLock lock(mutex);
    for (;;) never.wait(lock);
  }
  return served ? 0 : 1;
}
