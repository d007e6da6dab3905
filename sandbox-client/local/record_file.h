// What a server has to know to take over a persistent sandbox of another one: <id>/record.json.
//
// The file is what makes a sandbox exist for others. It is written to the side, forced to disk and renamed
// into place as the last step of creation, and removed as the first step of deletion; so there is either all
// of it or none. Mode 0600: it holds the environment and the secret of the runner's clients.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox-client/backend.h"

namespace rexec::sandbox {

inline constexpr int kRecordFormat = 1;
inline constexpr std::size_t kMaxRecordBytes = 4 << 20;
inline constexpr const char* kRecordName = "record.json";

struct KeptRecord {
  SandboxSpec spec;      // as asked for; what a new start needs
  SandboxRecord record;  // as made; status is not stored
};

/// invalid_argument when it is larger than kMaxRecordBytes.
Result<std::string> encode_record(const KeptRecord& kept);
/// unsupported for a newer format, data_loss for what is no record; both say what to do.
Result<KeptRecord> decode_record(std::string_view text);

/// `directory` is the sandbox's, open. not_found when there is no record.
Result<KeptRecord> read_record(int directory);
Status write_record(int directory, const KeptRecord& kept);
bool has_record(int directory);
/// No longer exists for others. Success when there was none.
Status remove_record(int directory);

}  // namespace rexec::sandbox
