// Events of a master, in the engine's nouns. Pure. What a peer may say and the model cannot hold is refused
// with an Error (the driver skips and counts it) or rounded against us: offers never grow on the way.
// Messages are cut to kMessageTextBytesMax. Tested in tests/mesos/translate_test.cc (mesos-protocol §8.3) and
// with golden transcripts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/input.h"
#include "mesos/protos.h"
#include "model/agent.h"

namespace mimas::mesos {

inline constexpr std::size_t kMessageTextBytesMax = 4'096;
inline constexpr std::size_t kStatusDataBytesMax = 4'096;  // mimas-executor writes less than 500

// llround(value · 1000), as Mesos counts (§4.4); 0 for what is negative, not a number or above 2^50.
std::int64_t thousandths(double value);

// True for what a task may be given from an offer: not revocable, not shared, no volume or separate disk, no
// provider.
bool is_plain(const pb::Resource& resource);

// Reserved in either format of §4.4; the second only if UNRESERVE could take it back.
bool is_reserved(const pb::Resource& resource);
bool is_dynamically_reserved(const pb::Resource& resource);
// A persistent volume of the agent's own disk, which DESTROY may name.
bool is_volume(const pb::Resource& resource);

// Amounts: CPU in thousandths, mem and disk down to whole MiB after adding up, whole GPUs, ports below 65536.
Resources to_resources(const google::protobuf::RepeatedPtrField<pb::Resource>& resources);

// Text as it stands; scalars as "2" or "2.5"; ranges as "[1-2, 5-5]"; sets as "{a, b}". The first of a name
// wins.
Attributes to_attributes(const google::protobuf::RepeatedPtrField<pb::Attribute>& attributes);

// Nanoseconds down to milliseconds; a duration that is shorter counts as one. Errors: a start before 1970.
Result<Unavailability> to_unavailability(const pb::Unavailability& from);

Result<InverseOffer> to_inverse_offer(const pb::InverseOffer& offer);

// A state of a newer master is `unsupported`, which changes nothing.
Result<engine::OperationUpdate> to_operation_update(const pb::OperationStatus& status);

// The endpoint is the agent's ip and port: its host name may mean nothing here.
Result<Offer> to_offer(const pb::Offer& offer);

// A state, reason or source that only a newer master knows stays readable: `unknown`, or its own text (rule
// 11).
Result<engine::StatusUpdate> to_status(const pb::TaskStatus& status);

// TaskStatus.data as schema/executor/status.json says; empty for anything else. Members of the wrong kind or
// out of range count as absent, longer texts too.
struct StatusData {
  Exit exit;
  std::optional<RunFacts> facts;  // nothing: not one of them was said
  std::optional<bool> ready;
};
StatusData to_status_data(std::string_view data);

}  // namespace mimas::mesos
