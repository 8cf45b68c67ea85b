#include "pocket/link.h"

#include "base/base64.h"
#include "json/value.h"
#include "json/writer.h"
#include "v1/codec.h"

namespace mimas::pocket {
namespace {

template <class... Fs>
struct Cases : Fs... {
  using Fs::operator()...;
};

constexpr std::size_t kLinkBytesMax = 64u << 20;

std::string text_of(const google::protobuf::Message& message) {
  return v1::encode(message, v1::MediaType::json);
}

void write_frameworks(json::Writer& out, const std::vector<mv1::FrameworkInfo>& list) {
  out.key("frameworks").begin_array();
  for (const auto& one : list) out.raw(text_of(one));
  out.end_array();
}

// Reads members of one object; the first error sticks, so that a list of fields reads as a list.
class Fields {
 public:
  explicit Fields(const json::Value& object) : object_(object) {
    if (!object.is_object()) status_ = make_error(Code::protocol, "expected an object", object.pointer());
  }
  std::string text(std::string_view name) {
    if (!status_) return {};
    const Result<json::Value> found = object_.member(name);
    if (!found) return fail(found.error());
    const Result<std::string_view> value = found->string();
    if (!value) return fail(value.error());
    return std::string(*value);
  }
  std::string bytes(std::string_view name) {
    const Result<std::string> decoded = base64_decode(text(name));
    if (!decoded) return fail(decoded.error());
    return *decoded;
  }
  std::int64_t number(std::string_view name) {
    if (!status_) return 0;
    const Result<json::Value> found = object_.member(name);
    if (!found) return fail(found.error()), 0;
    const Result<std::int64_t> value = found->int64();
    if (!value) return fail(value.error()), 0;
    return *value;
  }
  void message(std::string_view name, google::protobuf::Message* into) {
    if (!status_) return;
    const Result<json::Value> found = object_.member(name);
    if (!found) return void(fail(found.error()));
    parse_message(*found, into);
  }
  void parse_message(const json::Value& value, google::protobuf::Message* into) {
    const Status decoded = v1::decode(value.dump(), v1::MediaType::json, into);
    if (!decoded) fail(decoded.error());
  }
  // Every element of an array member, which may be absent.
  template <class F>
  void each(std::string_view name, F&& use) {
    if (!status_) return;
    const auto found = object_.find(name);
    if (!found) return;
    for (std::size_t i = 0; found->is_array() && i < found->size() && status_; ++i) use(found->at(i));
  }
  bool flag(std::string_view name) const { return object_.bool_or(name, false); }
  bool has(std::string_view name) const { return object_.find(name).has_value(); }
  std::string fail(const Error& error) {
    if (status_) status_ = error;
    return {};
  }
  const Status& status() const { return status_; }

 private:
  json::Value object_;
  Status status_ = Done{};
};

Result<Command> read_command(std::string_view type, Fields& in) {
  Command command;
  if (type == "registered") {
    command = Registered{in.text("agent_id"), in.number("ping_ms")};
  } else if (type == "run") {
    RunTasks run;
    in.message("framework", &run.framework);
    run.group = in.flag("group");
    if (run.group) in.message("executor", &run.group_executor);
    in.each("tasks", [&](const json::Value& task) { in.parse_message(task, &run.tasks.emplace_back()); });
    command = std::move(run);
  } else if (type == "kill") {
    KillTask kill{in.text("framework_id"), in.text("task_id"), std::nullopt};
    if (in.has("grace_ms")) kill.grace_ms = in.number("grace_ms");
    command = std::move(kill);
  } else if (type == "shutdown_executor") {
    command = ShutdownExecutor{in.text("framework_id"), in.text("executor_id")};
  } else if (type == "shutdown_framework") {
    command = ShutdownFramework{in.text("framework_id")};
  } else if (type == "acknowledge") {
    command = AcknowledgeUpdate{in.text("framework_id"), in.text("task_id"), in.bytes("uuid")};
  } else if (type == "message") {
    command = ToExecutor{in.text("framework_id"), in.text("executor_id"), in.bytes("data")};
  } else if (type == "framework_changed") {
    FrameworkChanged changed;
    in.message("framework", &changed.framework);
    command = std::move(changed);
  } else if (type == "apply_operation") {
    ApplyOperation apply{in.text("framework_id"), {}, in.bytes("uuid")};
    in.message("operation", &apply.operation);
    command = std::move(apply);
  } else if (type == "acknowledge_operation") {
    command = AcknowledgeOperation{in.bytes("uuid"), in.bytes("status_uuid")};
  } else if (type == "leave") {
    command = LeaveCluster{};
  } else {
    return make_error(Code::protocol, "unknown command '" + std::string(type) + "'");
  }
  if (!in.status()) return in.status().error();
  return command;
}

Result<Report> read_report(const json::Value& value) {
  Fields in(value);
  const std::string type(value.string_or("type", ""));
  Report report;
  if (type == "update") {
    UpdateReport update;
    update.framework_id = in.text("framework_id");
    in.message("status", &update.status);
    if (!mv1::TaskState_Parse(in.text("latest"), &update.latest)) update.latest = update.status.state();
    report = std::move(update);
  } else if (type == "exited") {
    report = ExecutorExited{in.text("framework_id"), in.text("executor_id"),
                            static_cast<int>(in.number("status")), in.flag("command")};
  } else if (type == "message") {
    report = FromExecutor{in.text("framework_id"), in.text("executor_id"), in.bytes("data")};
  } else if (type == "operation") {
    OperationReport operation{in.text("framework_id"), in.bytes("uuid"), {}};
    in.message("status", &operation.status);
    report = std::move(operation);
  } else if (type == "ping") {
    report = Ping{};
  } else if (type == "unregister") {
    report = Unregister{};
  } else {
    return make_error(Code::protocol, "unknown report '" + type + "'");
  }
  if (!in.status()) return in.status().error();
  return report;
}

json::ParseLimits link_limits() {
  json::ParseLimits limits;
  limits.bytes_max = kLinkBytesMax;
  return limits;
}

}  // namespace

std::string encode_command(const Command& command) {
  json::Writer out;
  out.begin_object();
  std::visit(
      Cases{
          [&](const Registered& c) {
            out.member("type", "registered").member("agent_id", c.agent_id).member("ping_ms", c.ping_ms);
          },
          [&](const RunTasks& c) {
            out.member("type", "run").member_raw("framework", text_of(c.framework)).member("group", c.group);
            if (c.group) out.member_raw("executor", text_of(c.group_executor));
            out.key("tasks").begin_array();
            for (const auto& task : c.tasks) out.raw(text_of(task));
            out.end_array();
          },
          [&](const KillTask& c) {
            out.member("type", "kill").member("framework_id", c.framework_id).member("task_id", c.task_id);
            if (c.grace_ms) out.member("grace_ms", *c.grace_ms);
          },
          [&](const ShutdownExecutor& c) {
            out.member("type", "shutdown_executor").member("framework_id", c.framework_id);
            out.member("executor_id", c.executor_id);
          },
          [&](const ShutdownFramework& c) {
            out.member("type", "shutdown_framework").member("framework_id", c.framework_id);
          },
          [&](const AcknowledgeUpdate& c) {
            out.member("type", "acknowledge").member("framework_id", c.framework_id);
            out.member("task_id", c.task_id).member("uuid", base64_encode(c.uuid));
          },
          [&](const ToExecutor& c) {
            out.member("type", "message").member("framework_id", c.framework_id);
            out.member("executor_id", c.executor_id).member("data", base64_encode(c.data));
          },
          [&](const FrameworkChanged& c) {
            out.member("type", "framework_changed").member_raw("framework", text_of(c.framework));
          },
          [&](const ApplyOperation& c) {
            out.member("type", "apply_operation").member("framework_id", c.framework_id);
            out.member_raw("operation", text_of(c.operation)).member("uuid", base64_encode(c.uuid));
          },
          [&](const AcknowledgeOperation& c) {
            out.member("type", "acknowledge_operation").member("uuid", base64_encode(c.uuid));
            out.member("status_uuid", base64_encode(c.status_uuid));
          },
          [&](const LeaveCluster&) { out.member("type", "leave"); },
      },
      command);
  out.end_object();
  return out.take();
}

Result<Command> decode_command(std::string_view text) {
  const Result<json::Document> document = json::parse(text, link_limits());
  if (!document) return document.error();
  Fields in(document->root());
  return read_command(document->root().string_or("type", ""), in);
}

namespace {

void write_operation(json::Writer& out, const OperationReport& report) {
  out.member("framework_id", report.framework_id).member("uuid", base64_encode(report.uuid));
  out.member_raw("status", text_of(report.status));
}

}  // namespace

std::string encode_registration(const Registration& registration) {
  json::Writer out;
  out.begin_object().member("session", registration.session).member("ip", registration.ip);
  out.member_raw("agent_info", text_of(registration.info));
  write_frameworks(out, registration.frameworks);
  out.key("executors").begin_array();
  for (const ReportedExecutor& one : registration.executors) {
    out.begin_object().member("framework_id", one.framework_id);
    out.member_raw("info", text_of(one.info)).end_object();
  }
  out.end_array().key("tasks").begin_array();
  for (const ReportedTask& one : registration.tasks) {
    out.begin_object().member("framework_id", one.framework_id).member_raw("info", text_of(one.info));
    out.member("executor_id", one.executor_id).member_raw("latest", text_of(one.latest)).end_object();
  }
  out.end_array().key("resources").begin_array();
  for (const mv1::Resource& one : registration.resources) out.raw(text_of(one));
  out.end_array().key("operations").begin_array();
  for (const OperationReport& one : registration.operations) {
    out.begin_object();
    write_operation(out, one);
    out.end_object();
  }
  out.end_array().end_object();
  return out.take();
}

Result<Registration> decode_registration(std::string_view text) {
  const Result<json::Document> document = json::parse(text, link_limits());
  if (!document) return document.error();
  Fields in(document->root());
  Registration registration;
  registration.session = in.text("session");
  registration.ip = in.text("ip");
  in.message("agent_info", &registration.info);
  in.each("frameworks",
          [&](const json::Value& one) { in.parse_message(one, &registration.frameworks.emplace_back()); });
  in.each("executors", [&](const json::Value& value) {
    Fields one(value);
    ReportedExecutor executor;
    executor.framework_id = one.text("framework_id");
    one.message("info", &executor.info);
    if (!one.status()) in.fail(one.status().error());
    registration.executors.push_back(std::move(executor));
  });
  in.each("tasks", [&](const json::Value& value) {
    Fields one(value);
    ReportedTask task;
    task.framework_id = one.text("framework_id");
    task.executor_id = one.text("executor_id");
    one.message("info", &task.info);
    one.message("latest", &task.latest);
    if (!one.status()) in.fail(one.status().error());
    registration.tasks.push_back(std::move(task));
  });
  in.each("resources",
          [&](const json::Value& one) { in.parse_message(one, &registration.resources.emplace_back()); });
  in.each("operations", [&](const json::Value& value) {
    Fields one(value);
    OperationReport operation{one.text("framework_id"), one.bytes("uuid"), {}};
    one.message("status", &operation.status);
    if (!one.status()) in.fail(one.status().error());
    registration.operations.push_back(std::move(operation));
  });
  if (!in.status()) return in.status().error();
  return registration;
}

std::string encode_reports(const std::vector<Report>& reports) {
  json::Writer out;
  out.begin_array();
  for (const Report& report : reports) {
    out.begin_object();
    std::visit(Cases{
                   [&](const UpdateReport& r) {
                     out.member("type", "update").member("framework_id", r.framework_id);
                     out.member_raw("status", text_of(r.status));
                     out.member("latest", mv1::TaskState_Name(r.latest));
                   },
                   [&](const ExecutorExited& r) {
                     out.member("type", "exited").member("framework_id", r.framework_id);
                     out.member("executor_id", r.executor_id).member("status", r.status);
                     out.member("command", r.command);
                   },
                   [&](const FromExecutor& r) {
                     out.member("type", "message").member("framework_id", r.framework_id);
                     out.member("executor_id", r.executor_id).member("data", base64_encode(r.data));
                   },
                   [&](const OperationReport& r) {
                     out.member("type", "operation");
                     write_operation(out, r);
                   },
                   [&](const Ping&) { out.member("type", "ping"); },
                   [&](const Unregister&) { out.member("type", "unregister"); },
               },
               report);
    out.end_object();
  }
  out.end_array();
  return out.take();
}

Result<std::vector<Report>> decode_reports(std::string_view text) {
  const Result<json::Document> document = json::parse(text, link_limits());
  if (!document) return document.error();
  const Result<json::Value> list = document->root().array();
  if (!list) return list.error();
  std::vector<Report> reports;
  for (std::size_t i = 0; i < list->size(); ++i) {
    Result<Report> report = read_report(list->at(i));
    if (!report) return report.error();
    reports.push_back(std::move(*report));
  }
  return reports;
}

}  // namespace mimas::pocket
