#include "app/reachable.h"

#include <algorithm>
#include <iterator>

namespace rexec::app {
namespace {

constexpr std::chrono::seconds kConnectLimit{30};  // for the runner to answer

}  // namespace

Result<std::vector<sandbox::SandboxRecord>> reachable_sandboxes(sandbox::Backend& backend, const Op& op) {
  ASSIGN_OR_RETURN(std::vector<sandbox::SandboxRecord> records, backend.list(op));
  std::erase_if(records, [](const sandbox::SandboxRecord& record) { return !record.persistent; });
  ASSIGN_OR_RETURN(std::vector<sandbox::SandboxRecord> others, backend.list_visitable(op));
  std::ranges::move(others, std::back_inserter(records));
  std::ranges::stable_sort(records, {}, &sandbox::SandboxRecord::name);
  return records;
}

std::vector<sandbox::SandboxRecord> sandboxes_named(const std::vector<sandbox::SandboxRecord>& records,
                                                    const std::string& name) {
  std::vector<sandbox::SandboxRecord> found;
  std::ranges::copy_if(records, std::back_inserter(found), [&name](const sandbox::SandboxRecord& record) {
    return record.id == name || record.name == name;
  });
  return found;
}

Result<std::shared_ptr<sandbox::Runner>> connect_to(Program& program, const sandbox::SandboxRecord& record,
                                                    const Op& op) {
  sandbox::Backend& backend = program.backend();
  const Op bounded{op.stop, op.deadline.sooner(Deadline::after(kConnectLimit))};
  sandbox::Reconnect again;
  if (record.persistent) {
    again = [&backend, id = record.id](const Op& reconnect) { return backend.open_channel(id, reconnect); };
  }
  ASSIGN_OR_RETURN(auto channel, record.persistent ? backend.open_channel(record.id, bounded)
                                                   : backend.visit(record.id, bounded));
  return sandbox::make_runner_client(std::move(channel), program.reactor(), record.settings, again, {},
                                     bounded);
}

}  // namespace rexec::app
