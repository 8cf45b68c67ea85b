#include "model/artifact_name.h"

#include <doctest/doctest.h>

using mimas::artifact_name;

TEST_CASE("an artifact is called by the last part of its path, without query and fragment") {
  CHECK(artifact_name("http://h/run.sh") == "run.sh");
  CHECK(artifact_name("https://h:1/a/b.tgz?sig=1/2&x=3#top") == "b.tgz");
  CHECK(artifact_name("http://h/a%20b?x=1") == "a%20b");
  CHECK(artifact_name("file:///etc/c.conf#f") == "c.conf");
  CHECK(artifact_name("/opt/tool") == "tool");
}

TEST_CASE("an address without a file has no name") {
  for (const char* uri :
       {"http://h", "http://h/", "http://h?x=/y", "http://h/dir/?x=a", "http://h/a/..", "/opt/.", "/"})
    CHECK_MESSAGE(artifact_name(uri).empty(), uri);
}
