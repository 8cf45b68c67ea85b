#include "model/group.h"

namespace mimas {

std::string_view group_of(const JobSpec& spec) {
  return spec.capacity_group.empty() ? kDefaultGroup : std::string_view(spec.capacity_group);
}

ResourceRequest held_by(const Task& task) {
  const Resources& held = task.allocated;
  return {held.cpu_milli, held.mem_mib, held.disk_mib, held.gpus, 0, held.scalars};
}

void add_amounts(ResourceRequest& to, const ResourceRequest& more) {
  to.cpu_milli += more.cpu_milli;
  to.mem_mib += more.mem_mib;
  to.disk_mib += more.disk_mib;
  to.gpus += more.gpus;
  to.ports += more.ports;
  add_scalars(to.scalars, more.scalars);
}

void subtract_amounts(ResourceRequest& from, const ResourceRequest& less) {
  from.cpu_milli -= less.cpu_milli;
  from.mem_mib -= less.mem_mib;
  from.disk_mib -= less.disk_mib;
  from.gpus -= less.gpus;
  from.ports -= less.ports;
  subtract_scalars(from.scalars, less.scalars);
}

}  // namespace mimas
