// Who holds how many of a bounded number of records, so that whoever has the most loses the oldest of theirs:
// a crowd of one cannot push out what others have. Every operation takes logarithmic time, whatever the
// number of holders. Not thread-safe. Tested in tests/engine/shares_test.cc.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/assert.h"

namespace mimas::engine {

template <class Item>
class Shares {
 public:
  void add(const std::string& holder, Item item) {
    std::set<Item>& items = items_[holder];
    resize(holder, items.size(), [&] {
      items.insert(std::move(item));
      return items.size();
    });
  }

  void remove(const std::string& holder, const Item& item) {
    const auto found = items_.find(holder);
    if (found == items_.end()) return;
    std::set<Item>& items = found->second;
    resize(holder, items.size(), [&] {
      items.erase(item);
      return items.size();
    });
    if (items.empty()) items_.erase(found);
  }

  std::size_t of(const std::string& holder) const {
    const auto found = items_.find(holder);
    return found == items_.end() ? 0 : found->second.size();
  }

  std::size_t largest() const { return sizes_.empty() ? 0 : sizes_.rbegin()->first; }
  // Of the holder with the most; ASSERTs that there is one.
  const Item& oldest_of_largest() const {
    ASSERT(!sizes_.empty());
    return *items_.find(sizes_.rbegin()->second)->second.begin();
  }

 private:
  template <class Change>
  void resize(const std::string& holder, std::size_t before, Change change) {
    const std::size_t after = change();
    if (after == before) return;
    sizes_.erase({before, holder});
    if (after > 0) sizes_.insert({after, holder});
  }

  std::map<std::string, std::set<Item>> items_;
  std::set<std::pair<std::size_t, std::string>> sizes_;
};

}  // namespace mimas::engine
