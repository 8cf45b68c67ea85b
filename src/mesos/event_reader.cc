#include "mesos/event_reader.h"

#include <utility>

#include "mesos/translate.h"

namespace mimas::mesos {
namespace {

using Event = scheduler::Event;

Skipped without_member(Event::Type type) {
  return Skipped{"event " + Event::Type_Name(type) + " without its content"};
}

ReadEvent offers(Event::Offers& from) {
  OffersEvent event;
  event.offers.reserve(static_cast<std::size_t>(from.offers_size()));
  event.input.offers.reserve(static_cast<std::size_t>(from.offers_size()));
  for (auto& offer : *from.mutable_offers()) {
    auto translated = to_offer(offer);
    if (!translated.ok()) {
      ++event.malformed;
      continue;
    }
    event.input.offers.push_back(*std::move(translated));
    event.offers.push_back(std::move(offer));
  }
  return event;
}

ReadEvent update(const Event::Update& from) {
  auto status = to_status(from.status());
  if (!status.ok()) return Skipped{"status update: " + status.error().message};
  return engine::Input(*std::move(status));
}

ReadEvent failure(const Event::Failure& from) {
  // With an executor: one of ours ended, and its task says so itself.
  if (from.has_executor_id() || from.agent_id().value().empty()) return NothingToDo{};
  return engine::Input(engine::AgentLost{AgentId(from.agent_id().value())});
}

ReadEvent rescind(const Event::Rescind& from) {
  if (from.offer_id().value().empty()) return Skipped{"RESCIND without an offer id"};
  return engine::Input(engine::OfferRescinded{OfferId(from.offer_id().value())});
}

ReadEvent inverse_offers(const Event::InverseOffers& from) {
  engine::InverseOffersReceived input;
  for (const auto& offer : from.inverse_offers()) {
    if (auto translated = to_inverse_offer(offer); translated.ok()) input.offers.push_back(*translated);
  }
  if (input.offers.empty()) return Skipped{"INVERSE_OFFERS without one that can be answered"};
  return engine::Input(std::move(input));
}

ReadEvent rescind_inverse(const Event::RescindInverseOffer& from) {
  const std::string& id = from.inverse_offer_id().value();
  if (id.empty()) return Skipped{"RESCIND_INVERSE_OFFER without an id"};
  return engine::Input(engine::InverseOfferRescinded{OfferId(id)});
}

ReadEvent message(Event::Message& from) {
  if (from.agent_id().value().empty()) return Skipped{"MESSAGE without an agent id"};
  if (from.data().size() > kMessageDataBytesMax)
    return Skipped{"MESSAGE of " + std::to_string(from.data().size()) + " bytes"};
  return MessageEvent{AgentId(from.agent_id().value()), from.executor_id().value(),
                      std::move(*from.mutable_data())};
}

ReadEvent operation_update(const Event::UpdateOperationStatus& from) {
  auto update = to_operation_update(from.status());
  if (!update.ok()) return Skipped{"operation status: " + update.error().message};
  return engine::Input(*std::move(update));
}

Skipped not_an_event(const Status& status) {
  return Skipped{"record that is no event: " + status.error().message};
}

ReadEvent sort_out(Event& event) {
  switch (event.type()) {
    case Event::SUBSCRIBED:
      if (!event.has_subscribed()) return without_member(event.type());
      return SubscribedEvent{FrameworkId(event.subscribed().framework_id().value()),
                             event.subscribed().heartbeat_interval_seconds()};
    case Event::OFFERS:
      return event.has_offers() ? offers(*event.mutable_offers()) : without_member(event.type());
    case Event::RESCIND: return event.has_rescind() ? rescind(event.rescind()) : without_member(event.type());
    case Event::UPDATE: return event.has_update() ? update(event.update()) : without_member(event.type());
    case Event::FAILURE: return event.has_failure() ? failure(event.failure()) : without_member(event.type());
    case Event::ERROR:
      if (!event.has_error()) return without_member(event.type());
      return ErrorEvent{event.error().message()};
    case Event::INVERSE_OFFERS:
      return event.has_inverse_offers() ? inverse_offers(event.inverse_offers())
                                        : without_member(event.type());
    case Event::RESCIND_INVERSE_OFFER:
      return event.has_rescind_inverse_offer() ? rescind_inverse(event.rescind_inverse_offer())
                                               : without_member(event.type());
    case Event::UPDATE_OPERATION_STATUS:
      return event.has_update_operation_status() ? operation_update(event.update_operation_status())
                                                 : without_member(event.type());
    case Event::MESSAGE:
      return event.has_message() ? message(*event.mutable_message()) : without_member(event.type());
    case Event::HEARTBEAT: return NothingToDo{};
    case Event::UNKNOWN: break;
  }
  const std::string type = v1::unknown_enum(event, Event::kTypeFieldNumber);
  return Skipped{type.empty() ? "event without a type" : "event of the unknown type " + type.substr(0, 64)};
}

}  // namespace

ReadEvent read_event(std::string_view record, v1::MediaType codec) {
  Event event;
  if (const Status status = v1::decode_tolerant(record, codec, &event); !status.ok())
    return not_an_event(status);
  return sort_out(event);
}

ReadEvent consume_record(std::string&& record, v1::MediaType codec) {
  Event event;
  const Status status = v1::decode_tolerant(record, codec, &event);
  std::string().swap(record);
  if (!status.ok()) return not_an_event(status);
  return sort_out(event);
}

}  // namespace mimas::mesos
