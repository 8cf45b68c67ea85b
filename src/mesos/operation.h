// RESERVE, UNRESERVE, CREATE and DESTROY as members of an ACCEPT call (mesos-protocol §2.2, §4.4). Pure. What
// an operation names is cut from the offers, so that everything Mesos said of it goes back unchanged. Tested
// in tests/mesos/operation_test.cc.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/input.h"
#include "mesos/protos.h"
#include "mesos/resource_pool.h"
#include "model/operation.h"

namespace mimas::mesos {

// Takes what it needs out of the pool; an operation without it is an error (invalid_argument) and takes
// nothing. The id goes along only if the agent is believed to report by it. With a principal, reservations
// and volumes belong to it.
Result<pb::Offer::Operation> make_operation(const Operation& operation, const std::string& principal,
                                            ResourcePool& pool);

// What the engine is told of an operation that does not leave: as if the master had refused it.
engine::OperationUpdate refuse_operation(const Operation& operation, std::string message);

}  // namespace mimas::mesos
