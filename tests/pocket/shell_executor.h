// A custom executor as a bash script, speaking JSON over /dev/tcp: enough to subscribe, say TASK_RUNNING once
// per LAUNCH, TASK_KILLED on KILL and to come back when its agent was away. Not a model of how to write one.
#pragma once

#include <string>

namespace mimas::pocket {

inline constexpr const char* kShellExecutor = R"SH(#!/bin/bash
host=${MESOS_AGENT_ENDPOINT%:*}; port=${MESOS_AGENT_ENDPOINT#*:}
ids="\"framework_id\":{\"value\":\"$MESOS_FRAMEWORK_ID\"},\"executor_id\":{\"value\":\"$MESOS_EXECUTOR_ID\"}"
uuid() { head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' | sed 's/^\(.\{12\}\)./\14/; s/^\(.\{16\}\)./\18/' | sed 's/../\\x&/g' | xargs -0 printf | base64; }
request() { printf 'POST /api/v1/executor HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' "${#1}" "$1"; }
update() {
  body="{$ids,\"type\":\"UPDATE\",\"update\":{\"status\":{\"task_id\":{\"value\":\"$1\"},\"state\":\"$2\",\"source\":\"SOURCE_EXECUTOR\",\"uuid\":\"$(uuid)\"}}}"
  for try in 1 2 3 4 5 6 7 8 9 10; do
    exec 4<>/dev/tcp/$host/$port && { request "$body" >&4; read -r -u 4 version code rest; exec 4>&-; }
    [ "$code" = 202 ] && return
    sleep 0.2
  done
}
while :; do
  if exec 3<>/dev/tcp/$host/$port; then
    request "{$ids,\"type\":\"SUBSCRIBE\",\"subscribe\":{}}" >&3
    while IFS= read -r -u 3 line; do
      case "$line" in
        *'"type":"LAUNCH"'*)
          task=${line#*'"task_id":{"value":"'}; task=${task%%'"'*}
          update "$task" TASK_RUNNING ;;
        *'"type":"KILL"'*)
          task=${line#*'"task_id":{"value":"'}; task=${task%%'"'*}
          update "$task" TASK_KILLED; sleep 0.2; exit 0 ;;
        *'"type":"SHUTDOWN"'*) exit 0 ;;
      esac
    done
    exec 3>&-
  fi 2>/dev/null
  sleep 0.1
done
)SH";

}  // namespace mimas::pocket
