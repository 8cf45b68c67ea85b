// Every bound and default of a request body, once: validation reads it, error texts quote it, and a test
// compares api/openapi.yaml with it. Amounts are for one instance. Absent and null mean a bounded number's
// default. 0 does so where Titus's clients send it for what they leave open (cpu, memory, disk); elsewhere it
// is a value like any other, refused where the range does not have it: other schedulers mean "never" or "at
// once" by it, and nobody shall find out by what happens. Nothing is raised silently.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mimas::api {

struct NumberLimit {
  std::string_view field;
  std::int64_t least, most;
  std::int64_t fallback;          // what absent and null mean
  bool zero_is_open = false;      // and 0
  std::string_view instead = {};  // of 0, where it is refused: what its sender may have meant
};

// cpu alone is a decimal in the body; here in thousandths.
inline constexpr NumberLimit kCpuMilli{"cpu", 10, 1'024'000, 1'000, true};
inline constexpr NumberLimit kMemoryMib{"memory", 8, 1'048'576, 512, true};
inline constexpr NumberLimit kDiskMib{"disk", 1, 16'777'216, 1'000,
                                      true};  // Titus's 10000 would not fit a small agent
inline constexpr NumberLimit kGpus{"gpu", 0, 64, 0};
inline constexpr NumberLimit kNetworkMbps{"networkMbps", 0, 100'000, 0};
inline constexpr NumberLimit kPriority{"priority", 0, 100, 0};
inline constexpr NumberLimit kShmMib{"shmSize", 0, 1'048'576, 0};  // 0: Docker's own 64
inline constexpr NumberLimit kPids{"pids", 0, 4'194'304, 0};
inline constexpr NumberLimit kRetries{"retries", 0, 2'147'483'647, 0};
inline constexpr NumberLimit kRuntimeLimitSecs{"runtimeLimitSecs", 0, 8'640'000, 0};
inline constexpr NumberLimit kKillGraceSecs{
    "killGraceSecs", 1, 3'600, 5, false, "1 is the least time between the two signals"};
inline constexpr NumberLimit kUnreachableTimeoutSecs{"unreachableTimeoutSecs", 1, 604'800, 30};
inline constexpr std::array kNumberLimits{
    kMemoryMib, kDiskMib,          kGpus,          kNetworkMbps,           kPriority, kPids,
    kRetries,   kRuntimeLimitSecs, kKillGraceSecs, kUnreachableTimeoutSecs};

// logs
inline constexpr NumberLimit kRotateMb{
    "rotateMb", 1, 1'024, 16, false, "to rotate never is not offered: a task's log would fill its disk"};
inline constexpr std::int64_t kLogKeepMax = 100;  // 0 is a value of its own; absent: 3

// healthChecks, readiness. Seconds with decimals in the body, milliseconds here. A grace of 0 is a value of
// its own: none.
struct SecondsLimit {
  std::string_view field, alias;
  std::int64_t least_ms, most_ms;
  std::int64_t fallback_ms;  // what absent and null mean
};
inline constexpr SecondsLimit kHealthInterval{"intervalSecs", "interval", 100, 3'600'000, 10'000};
inline constexpr SecondsLimit kHealthTimeout{"timeoutSecs", "timeout", 100, 600'000, 5'000};
inline constexpr SecondsLimit kHealthGrace{"graceSecs", "grace", 0, 86'400'000, 15'000};
inline constexpr NumberLimit kMaxConsecutiveFailures{
    "maxConsecutiveFailures", 1, 100, 3, false, "a check that shall never end the task is `readiness`"};
inline constexpr std::size_t kHealthChecksMax = 10;
inline constexpr std::size_t kHealthPathBytesMax = 1'024;
inline constexpr std::size_t kHealthCommandBytesMax = 8u << 10;  // with one byte for each argument

// retryPolicy, in milliseconds.
inline constexpr NumberLimit kDelayMs{"delayMs", 1,     3'600'000,
                                      1'000,     false, "`immediate` starts again at once"};
inline constexpr NumberLimit kInitialDelayMs{
    "initialDelayMs", 1, 3'600'000, 1'000, false, "`immediate` starts again at once"};
inline constexpr NumberLimit kMaxDelayIntervalMs{"maxDelayIntervalMs", 1, 86'400'000, 60'000};

inline constexpr std::int64_t kBatchInstancesMax = 10'000;
inline constexpr std::int64_t kServiceInstancesMax = 1'000;

inline constexpr std::size_t kBodyBytesMax = 1u << 20;
inline constexpr int kBodyDepthMax = 32;
inline constexpr std::size_t kFaultsMax = 200;  // more are counted, not listed
inline constexpr std::size_t kFaultValueBytes = 200;
inline constexpr std::size_t kGuessesMax =
    20;  // "did you mean": the first so many unknown names of a request

inline constexpr std::size_t kTextBytesMax =
    255;  // name, appName, user, image, version, job group, label names, ids
inline constexpr std::size_t kLabelValueBytesMax = 1'024;
inline constexpr std::size_t kLabelsMax = 250;
inline constexpr std::size_t kEnvMax = 1'000;
inline constexpr std::size_t kEnvBytesMax = 32u << 10;  // names, values and two bytes for each
inline constexpr std::size_t kSecretEnvMax = 100;
inline constexpr std::size_t kProgramBytesMax = 64u
                                                << 10;  // entryPoint; command with one byte for each argument
inline constexpr std::size_t kCommandArgsMax = 1'000;
inline constexpr std::size_t kPathBytesMax = 4'096;  // workingDirectory, an artifact's uri
inline constexpr std::size_t kArtifactsMax = 20;
inline constexpr std::size_t kTagBytesMax = 127;      // version, of an image
inline constexpr std::size_t kHostnameBytesMax = 63;  // container.hostname
inline constexpr std::size_t kVolumesMax = 50;
inline constexpr std::size_t kCapabilitiesMax = 64;
inline constexpr std::size_t kPortsMax = 100;
inline constexpr std::int64_t kPortMax = 65'535;
inline constexpr std::size_t kScalarsMax = 16;  // resources
inline constexpr std::size_t kScalarNameBytesMax = 64;
inline constexpr std::int64_t kScalarMost = 1'000'000;
inline constexpr std::size_t kConstraintsMax = 50;
inline constexpr std::size_t kConstraintBytesMax = 256;
inline constexpr std::size_t kEchoedBytesMax = 16u
                                               << 10;  // all fields together that are kept without a meaning
inline constexpr std::size_t kKillTasksMax = 1'000;

// The query of GET /v2/jobs.
inline constexpr std::int64_t kPageMax = 5'000;
inline constexpr std::size_t kQueryTermsMax = 100;  // labels, states or fields in one query

}  // namespace mimas::api
