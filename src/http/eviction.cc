#include "http/eviction.h"

#include <arpa/inet.h>

#include <cstring>
#include <map>

namespace mimas::http {
namespace {

using Waits = Place::Waits;

// How long one must have waited to go among equals.
std::int64_t patience_ms(Waits waits) {
  switch (waits) {
    case Waits::for_us: break;
    case Waits::idle: return kEvictAfterIdleMs;
    case Waits::request: return kEvictAfterReadingMs;
    case Waits::reader: return kEvictAfterStalledMs;
  }
  return INT64_MAX;
}

// A reader that has just been given more than fits its window is no slow one yet.
std::int64_t patience_with_a_crowd_ms(Waits waits) { return waits == Waits::reader ? kEvictAfterIdleMs : 0; }

// Idle ones first, then slow senders, then slow readers; of these, who has been so for longest.
bool goes_before(const Place& a, const Place& b) {
  return a.waits != b.waits ? a.waits < b.waits : a.since_ms < b.since_ms;
}

template <typename May>
std::optional<std::size_t> first(const std::vector<Place>& places, May may) {
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i].waits == Waits::for_us || !may(places[i])) continue;
    if (!chosen || goes_before(places[i], places[*chosen])) chosen = i;
  }
  return chosen;
}

struct Crowd {
  std::string_view address;
  int most = 0;
  int newcomers = 0;  // of the newcomer's own address
};

Crowd largest(const std::vector<Place>& places, std::string_view newcomer) {
  std::map<std::string_view, int> counts;
  for (const Place& place : places) counts[place.address] += place.waits != Waits::for_us ? 1 : 0;
  Crowd crowd;
  crowd.newcomers = counts[newcomer];
  for (const auto& [address, count] : counts) {
    // Among equals rather one's own.
    if (count > crowd.most || (count == crowd.most && address == newcomer)) {
      crowd.address = address;
      crowd.most = count;
    }
  }
  return crowd;
}

}  // namespace

std::optional<std::size_t> who_goes(const std::vector<Place>& places, std::string_view newcomer,
                                    std::int64_t now_ms, bool own_alone) {
  const auto patient = [&](const Place& place) {
    return now_ms - place.since_ms >= patience_ms(place.waits);
  };
  const auto own = [&](const Place& place) { return place.address == newcomer && patient(place); };
  if (own_alone) return first(places, own);
  const Crowd crowd = largest(places, newcomer);
  if (crowd.address == newcomer && crowd.most > 1) {
    if (const auto chosen = first(places, own)) return chosen;
    // What others send or take is not cut off for the sake of who has most.
    return first(places, [&](const Place& place) { return place.waits == Waits::idle && patient(place); });
  }
  if (crowd.most >= crowd.newcomers + 2) {
    const auto chosen = first(places, [&](const Place& place) {
      return place.address == crowd.address &&
             now_ms - place.since_ms >= patience_with_a_crowd_ms(place.waits);
    });
    if (chosen) return chosen;
  }
  return first(places, patient);
}

std::string address_group(std::string_view numeric_address) {
  std::string text(numeric_address);
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  std::memset(v6.s6_addr + 8, 0, 8);
  char group[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET6, &v6, group, sizeof group);
  return std::string(group) + "/64";
}

}  // namespace mimas::http
