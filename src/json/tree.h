// What a Document owns: RapidJSON's nodes in one pool, freed as a whole and never node by node, so that
// destruction does not recurse either. Private to this room.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "json/rapid.h"
#include "json/value.h"

namespace mimas::json {

struct Document::Tree {
  // Small texts get small chunks: most documents are one event or one call.
  explicit Tree(std::size_t text_bytes)
      : pool(std::clamp<std::size_t>(text_bytes * 2, 512, 64u << 10)), dom(&pool, 256) {}

  Pool pool;
  Dom dom;

  // Where the children of every container lie, in the order of their addresses, so that the container around
  // a node is found by a search. Made when the first pointer is asked for: a body with many faults pays for
  // one walk, a good one for none.
  struct Nest {
    std::uintptr_t begin, end;  // the bytes of its children
    const Node* container;
  };
  std::vector<Nest> nests;
};

}  // namespace mimas::json
