#include "wire/archive_url.h"

#include <doctest/doctest.h>

using namespace mimas;
using wire::parse_archive_url;

TEST_CASE("an S3 archive is a bucket, a prefix and where its server is") {
  const auto url = parse_archive_url("s3://logs/a/b/?endpoint=http://10.0.0.5:9000&region=eu-1&style=path");
  REQUIRE(url.ok());
  CHECK(url->kind == wire::ArchiveUrl::Kind::s3);
  CHECK(url->bucket == "logs");
  CHECK(url->prefix == "a/b");
  CHECK(url->endpoint.text() == "10.0.0.5:9000");
  CHECK(url->region == "eu-1");
  CHECK(url->object_key("j/t/stdout") == "a/b/j/t/stdout");
  CHECK(url->object_path("j/t x/stdout") == "/logs/a/b/j/t%20x/stdout");
  CHECK(url->object_url("j/t/stdout.1.gz") == "http://10.0.0.5:9000/logs/a/b/j/t/stdout.1.gz");
  const auto plain = parse_archive_url("s3://logs?endpoint=http%3A%2F%2F%5B::1%5D%3A80");
  REQUIRE(plain.ok());
  CHECK(plain->region == "us-east-1");
  CHECK(plain->object_url("k") == "http://[::1]:80/logs/k");
}

TEST_CASE("a directory is an archive too") {
  const auto url = parse_archive_url("file:///var/archive/");
  REQUIRE(url.ok());
  CHECK(url->directory == "/var/archive");
  CHECK(url->object_url("j/t/stdout") == "file:///var/archive/j/t/stdout");
}

TEST_CASE("what cannot work is refused with a reason and the way to write it") {
  const char* wrong[] = {"",
                         "/var/archive",
                         "file://host/archive",
                         "file:///",
                         "file:///a/../b",
                         "http://10.0.0.5/bucket",
                         "s3://bucket",
                         "s3://?endpoint=http://10.0.0.5:9000",
                         "s3://AB?endpoint=http://10.0.0.5:9000",
                         "s3://bucket/a//b?endpoint=http://10.0.0.5:9000",
                         "s3://bucket/../b?endpoint=http://10.0.0.5:9000",
                         "s3://bucket?endpoint=https://10.0.0.5:9000",
                         "s3://bucket?endpoint=http://minio:9000",
                         "s3://bucket?endpoint=http://10.0.0.5:9000/path",
                         "s3://bucket?endpoint=http://10.0.0.5:9000&region=",
                         "s3://bucket?endpoint=http://10.0.0.5:9000&region=a/b",
                         "s3://bucket?endpoint=http://10.0.0.5:9000&style=virtual",
                         "s3://bucket?endpoint=http://10.0.0.5:9000&colour=red",
                         "s3://bucket?endpoint=http://10.0.0.5:9000 ",
                         "s3://bucket?endpoint=%zz"};
  for (const char* text : wrong) {
    CAPTURE(text);
    const auto url = parse_archive_url(text);
    REQUIRE_FALSE(url.ok());
    CHECK_FALSE(url.error().hint.empty());
  }
}
