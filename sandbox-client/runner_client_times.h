// How patient a runner client is. Only tests have reason to change it.
#pragma once

#include "sandbox-client/runner_client.h"

namespace rexec::sandbox {

struct RunnerTimes {
  Duration greeting = std::chrono::seconds(10);
  Duration reconnect = std::chrono::seconds(30);
  Duration kill_bound = std::chrono::seconds(5);  // from Cancel{kill} until it completes without the report
  Duration ping_every = std::chrono::seconds(20);
  Duration silence = std::chrono::seconds(60);  // after a ping: the connection is given up
};

/// make_runner_client of runner_client.h with other times.
Result<std::shared_ptr<Runner>> make_runner_client(std::unique_ptr<Channel> channel, Reactor& reactor,
                                                   RunnerSettings settings, Reconnect reconnect,
                                                   std::function<void(const Error&)> lost, RunnerTimes times,
                                                   const Op& op);

}  // namespace rexec::sandbox
