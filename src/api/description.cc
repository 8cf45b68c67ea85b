#include "api/description.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "api/render_job.h"
#include "json/members.h"
#include "json/value.h"

namespace mimas::api {
namespace {

using Names = std::set<std::string_view>;

// Of the members of a job's description, those that a patch displaces by using another word for them, and
// those that it replaces as a whole.
Names displaced(const json::Value& patch, JobType type) {
  Names names;
  const auto has = [&](std::string_view name) { return patch.find(name).has_value(); };
  if (has("cpus")) names.insert("cpu");
  if (has("numRetries")) names.insert("retries");
  if (has("instances")) {
    // Of a batch job the four are one; of a service it is another word for the first.
    names.insert("instancesDesired");
    if (type == JobType::batch) names.insert({"instancesMin", "instancesMax"});
  }
  if (has("instancesDesired")) names.insert("instances");
  for (std::string_view form : {"retryPolicy", "readiness"}) {
    if (has(form)) names.insert(form);
  }
  return names;
}

void merge(json::Writer& out, const json::Value* target, const json::Value& patch, const Names& gone);

void merge_members(json::Writer& out, const json::Value* target, const json::Value& patch,
                   const Names& gone) {
  out.begin_object();
  const json::Members changes(patch), before(target ? *target : patch);
  const std::size_t size = target && target->is_object() ? target->size() : 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::string_view name = target->name(i);
    const json::Value value = target->at(i);
    const auto change = changes.find(name);
    if (change && change->is_null()) continue;
    if (!change && gone.contains(name)) continue;
    out.key(name);
    if (!change) {
      out.raw(value.dump());
    } else {
      merge(out, gone.contains(name) ? nullptr : &value, *change, {});
    }
  }
  for (std::size_t i = 0; i < patch.size(); ++i) {
    const std::string_view name = patch.name(i);
    const bool was_there = size > 0 && before.find(name).has_value();
    if (was_there || patch.at(i).is_null()) continue;
    out.key(name);
    merge(out, nullptr, patch.at(i), {});
  }
  out.end_object();
}

// As deep as the patch, which kBodyDepthMax bounds.
void merge(json::Writer& out, const json::Value* target, const json::Value& patch, const Names& gone) {
  if (patch.is_object()) {
    merge_members(out, target, patch, gone);
  } else {
    out.raw(patch.dump());
  }
}

struct Difference {
  std::string pointer, before, after;
};

void compare(const std::string& pointer, const std::optional<json::Value>& before,
             const std::optional<json::Value>& after, std::vector<Difference>& out) {
  const bool both = before && after && before->is_object() && after->is_object();
  if (!both) {
    std::string was = before ? before->dump() : "null", is = after ? after->dump() : "null";
    if (was != is) out.push_back({pointer, std::move(was), std::move(is)});
    return;
  }
  const json::Members old_members(*before), new_members(*after);
  for (std::size_t i = 0; i < before->size(); ++i) {
    const std::string_view name = before->name(i);
    compare(pointer + "/" + pointer_segment(name), before->at(i), new_members.find(name), out);
  }
  for (std::size_t i = 0; i < after->size(); ++i) {
    const std::string_view name = after->name(i);
    if (!old_members.find(name))
      compare(pointer + "/" + pointer_segment(name), std::nullopt, after->at(i), out);
  }
}

}  // namespace

Wanted wanted_of(const Job& job) {
  return {*job.spec, job.instances_desired, job.instances_min, job.instances_max, job.in_service};
}

Wanted wanted_of(const JobVersion& version) {
  return {*version.spec, version.instances_desired, version.instances_min, version.instances_max,
          version.in_service};
}

std::string render_description(const Wanted& wanted, const Sight& sight) {
  json::Writer out;
  out.begin_object();
  write_wanted(out, wanted.spec, {wanted.instances_desired, wanted.instances_min, wanted.instances_max},
               wanted.in_service, sight);
  out.end_object();
  return out.take();
}

Checked<std::string> patch_description(const Wanted& wanted, std::string_view patch) {
  Faults faults;
  const auto changes = parse_body(patch, faults);
  if (!changes) return {{}, faults.take()};
  const auto target = json::parse(render_description(wanted));
  ASSERT(target.ok());
  const json::Value root = target->root();
  json::Writer out;
  merge(out, &root, changes->root(), displaced(changes->root(), wanted.spec.type));
  return {out.take(), {}};
}

std::string render_difference(const Wanted& before, const Wanted& after, const Sight& sight) {
  return render_difference(render_description(before), render_description(after),
                           !sight.sees(before.spec) || !sight.sees(after.spec));
}

std::string render_difference(std::string_view before, std::string_view after, bool masked) {
  const auto one = json::parse(before), other = json::parse(after);
  ASSERT(one.ok() && other.ok());
  std::vector<Difference> differences;
  compare("", one->root(), other->root(), differences);
  json::Writer out;
  out.begin_array();
  for (const Difference& difference : differences) {
    out.begin_object().member("pointer", difference.pointer);
    const bool hidden = masked && difference.pointer.starts_with("/env/");
    const auto shown = [&](const std::string& value) {
      return hidden && value != "null" ? '"' + std::string(kMasked) + '"' : value;
    };
    out.member_raw("before", shown(difference.before))
        .member_raw("after", shown(difference.after))
        .end_object();
  }
  out.end_array();
  return out.take();
}

engine::ChangeJob change_of(const JobId& job, const Submission& submission) {
  engine::ChangeJob change;
  change.job = job;
  change.spec = submission.command.spec;
  change.instances_desired = submission.command.instances_desired;
  change.instances_min = submission.command.instances_min;
  change.instances_max = submission.command.instances_max;
  change.in_service = submission.command.in_service;
  return change;
}

}  // namespace mimas::api
