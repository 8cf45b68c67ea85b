// The messages that come in by the doors for JSON and protobuf, and the door itself: both targets try the
// same ones.
#pragma once

#include <string_view>

#include "base/assert.h"
#include "door.h"
#include "mesos/event_reader.h"
#include "mesos/v1/agent.pb.h"
#include "mesos/v1/executor.pb.h"
#include "mesos/v1/master.pb.h"
#include "mesos/v1/scheduler.pb.h"
#include "v1/codec.h"

using namespace mimas;
using v1::MediaType;

// Hands each kind that `bytes` decode to, to `check`.
template <class Message, class Check>
void try_message(std::string_view bytes, MediaType type, const Check& check) {
  Message message;
  if (v1::decode(bytes, type, &message).ok()) check(message);
}

template <class Check>
void try_messages(std::string_view bytes, MediaType type, const Check& check) {
  try_message<::mesos::v1::scheduler::Event>(bytes, type, check);
  try_message<::mesos::v1::scheduler::Call>(bytes, type, check);
  try_message<::mesos::v1::executor::Event>(bytes, type, check);
  try_message<::mesos::v1::executor::Call>(bytes, type, check);
  try_message<::mesos::v1::master::Call>(bytes, type, check);
  try_message<::mesos::v1::master::Response>(bytes, type, check);
  try_message<::mesos::v1::agent::Call>(bytes, type, check);
  (void)mimas::mesos::read_event(bytes, type);
}
