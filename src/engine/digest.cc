// The public face of State, and its digest: every durable record as one line of text, in key order.
#include <concepts>
#include <optional>
#include <string>
#include <string_view>

#include "engine/state.h"

namespace mimas::engine {
namespace {

// Text by plain appending: a stream of the standard library would ask the process's locale how to write a
// number.
class Text {
 public:
  Text& operator<<(std::string_view piece) {
    text_ += piece;
    return *this;
  }
  Text& operator<<(char piece) {
    text_ += piece;
    return *this;
  }
  template <std::integral Number>
  Text& operator<<(Number number) {
    text_ += std::to_string(number);
    return *this;
  }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

void write(Text& out, const Resources& amount) {
  out << amount.cpu_milli << ',' << amount.mem_mib << ',' << amount.disk_mib << ',' << amount.gpus << ','
      << amount.ports.text();
  for (const auto& [name, thousandths] : amount.scalars) out << ',' << name << ':' << thousandths;
}

void write(Text& out, const Job& job) {
  out << job.id.value << ' ' << job_type_name(job.spec->type) << " name=" << job.spec->name
      << " state=" << static_cast<int>(job.state) << " outcome=" << static_cast<int>(job.outcome)
      << " version=" << job.version << " instances=" << job.instances_desired << '/' << job.instances_min
      << '/' << job.instances_max << " in_service=" << job.in_service
      << " processes=" << job.increase_disabled << job.decrease_disabled << " next=" << job.next_task_number
      << " submitted=" << job.submitted_at.ms << " ended=" << job.ended_at.ms << " message=" << job.message
      << '\n';
}

char flag(const std::optional<bool>& value) { return !value ? '-' : (*value ? '1' : '0'); }

void write(Text& out, const Task& task) {
  out << task.id.value << ' ' << task_state_name(task.state) << " attempt=" << task.attempt
      << " launch_failures=" << task.launch_failures << " agent=" << task.agent.value
      << " host=" << task.hostname << " at=" << task.agent_endpoint << " in=" << task.region << '/'
      << task.zone << " allocated=";
  write(out, task.allocated);
  out << " times=" << task.queued_at.ms << ',' << task.dispatched_at.ms << ',' << task.starting_at.ms << ','
      << task.running_at.ms << ',' << task.ended_at.ms << " not_before=" << task.not_before.ms
      << " unreachable=" << task.unreachable_since.ms << " kill=" << task.kill_requested << ','
      << task.kill_retry_at.ms << ',' << task.kill_sends << " replaced=" << task.replaced
      << " exit=" << task.exit.code.value_or(-1) << ',' << task.exit.signal.value_or(-1) << ','
      << task.exit.memory_limit << ',' << task.exit.memory_peak_bytes.value_or(-1)
      << " executor=" << task.executor << '/' << run_facts(task).executor_version
      << " pid=" << run_facts(task).pid << " container=" << run_facts(task).container_id
      << " ip=" << run_facts(task).ip << " health=" << flag(task.healthy) << flag(task.ready) << ','
      << task.healthy_at.ms << ',' << task.unhealthy_since.ms << ' ' << task.health_message
      << " reason=" << task.reason << " message=" << task.message << " history=";
  for (const StatusChange& step : task.history.steps()) {
    out << task_state_name(step.state) << '@' << step.at.ms << ' ' << step.reason << ' ' << step.message
        << ';';
  }
  out << '\n';
}

void write(Text& out, const JobVersion& version) {
  out << version.job.value << " v" << version.version << " at=" << version.at.ms << " by=" << version.user
      << " what=" << version.what << " instances=" << version.instances_desired << '/'
      << version.instances_min << '/' << version.instances_max << " in_service=" << version.in_service
      << " name=" << version.spec->name << " labels=" << version.spec->labels.size()
      << " retries=" << version.spec->retries << '\n';
}

void write(Text& out, const Audit& audit) {
  out << "audit " << audit.number << " at=" << audit.at.ms << " by=" << audit.user
      << " from=" << audit.address << ' ' << audit.action << " job=" << audit.job.value
      << " task=" << audit.task.value << ' ' << audit.detail;
  for (const Audit::Field& field : audit.fields) {
    out << ' ' << field.name << ':' << field.before << "->" << field.after;
  }
  out << '\n';
}

void write(Text& out, const AgentOrder& order) {
  out << agent_order_name(order.kind) << ' ' << order.agent.value << " host=" << order.hostname
      << " at=" << order.at.ms << " until=" << order.deadline.ms << " by=" << order.user
      << " reason=" << order.reason << '\n';
}

void write(Text& out, const ResourceRequest& amount) {
  out << amount.cpu_milli << ',' << amount.mem_mib << ',' << amount.disk_mib << ',' << amount.gpus;
  for (const auto& [name, thousandths] : amount.scalars) out << ',' << name << ':' << thousandths;
}

void write(Text& out, const CapacityGroup& group) {
  out << "group " << group.name << ' ' << tier_name(group.tier) << " weight=" << group.weight
      << " guarantee=";
  write(out, group.guarantee);
  if (group.quota) {
    out << " quota=";
    write(out, *group.quota);
  }
  out << " v" << group.version << " at=" << group.updated_at.ms << " by=" << group.updated_by << '\n';
}

void write(Text& out, const Operation& operation) {
  out << operation.id.value << ' ' << operation_type_name(operation.type) << ' '
      << operation_state_name(operation.state) << " agent=" << operation.agent.value
      << " role=" << operation.role << " amounts=";
  write(out, operation.amounts);
  out << " volume=" << operation.volume << " at=" << operation.path << " user=" << operation.user
      << " attempt=" << operation.attempt << " feedback=" << operation.feedback << " before=";
  write(out, operation.reserved_before);
  out << " times=" << operation.created_at.ms << ',' << operation.sent_at.ms << ',' << operation.updated_at.ms
      << " message=" << operation.message << '\n';
}

}  // namespace

State::State(Policy policy, Recovered recovered)
    : data_(std::make_unique<Data>(std::move(policy), std::move(recovered))) {}
State::~State() = default;
State::State(State&&) noexcept = default;
State& State::operator=(State&&) noexcept = default;

const Anomalies& State::anomalies() const { return data_->anomalies; }

std::string State::digest() const {
  Text out;
  out << "framework=" << data_->framework.value << " next_job=" << data_->next_job_number << '\n';
  for (const auto& [number, job] : data_->jobs) {
    write(out, *job.record);
    for (const auto& [place, task] : job.tasks) write(out, *task.record);
    for (const auto& [version, record] : job.versions) write(out, *record);
  }
  for (const auto& [name, group] : data_->groups_described) write(out, *group);
  for (const auto& [number, operation] : data_->operations) write(out, *operation.record);
  for (const auto& [number, audit] : data_->audits) write(out, *audit);
  for (const auto& [key, receipt] : data_->receipts) {
    out << "receipt " << key << ' ' << receipt.fingerprint << ' ' << receipt.answer << ' ' << receipt.at.ms
        << '\n';
  }
  for (const auto& [id, order] : data_->agent_orders) write(out, *order);
  for (const auto& [id, stray] : data_->strays) {
    if (stray.orphan == nullptr || stray.orphan->decision == OrphanDecision::undecided) continue;
    const Orphan& orphan = *stray.orphan;
    out << "orphan " << id.value << " on " << orphan.agent.value << ' ' << orphan.state << ' '
        << orphan_decision_name(orphan.decision) << ' ' << orphan.first_seen.ms << ' ' << orphan.reason
        << '\n';
  }
  return std::move(out).take();
}

}  // namespace mimas::engine
