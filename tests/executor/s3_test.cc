// The examples of AWS's documentation, "Signature Calculations for the Authorization Header: Transferring
// Payload in a Single Chunk": a bucket, keys and times published for exactly this.
#include <doctest/doctest.h>

#include "base/sha256.h"
#include "executor/archive_upload.h"
#include "executor/s3_client.h"
#include "executor/s3_sign.h"

namespace mimas::executor {
namespace {

const S3Keys kKeys{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
constexpr Instant kAt{1'369'353'600'000};  // 2013-05-24T00:00:00Z
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string signature(const S3Request& request) {
  const std::string text = authorization(request, kKeys, "us-east-1", kAt);
  return text.substr(text.find("Signature=") + 10);
}

S3Request request(const char* method, const char* path,
                  std::vector<std::pair<std::string, std::string>> query = {},
                  const std::string& payload = kEmpty) {
  return {method,
          path,
          std::move(query),
          {{"host", "examplebucket.s3.amazonaws.com"},
           {"x-amz-content-sha256", payload},
           {"x-amz-date", amz_date(kAt)}},
          payload};
}

TEST_CASE("requests are signed as AWS's examples are") {
  CHECK(amz_date(kAt) == "20130524T000000Z");
  S3Request get = request("GET", "/test.txt");
  get.headers.insert(get.headers.begin() + 1, {"range", "bytes=0-9"});
  CHECK(authorization(get, kKeys, "us-east-1", kAt) ==
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

  S3Request put = request("PUT", "/test%24file.text", {}, hex(sha256("Welcome to Amazon S3.")));
  put.headers.insert(put.headers.begin(), {"date", "Fri, 24 May 2013 00:00:00 GMT"});
  put.headers.push_back({"x-amz-storage-class", "REDUCED_REDUNDANCY"});
  CHECK(signature(put) == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");

  CHECK(signature(request("GET", "/", {{"lifecycle", ""}})) ==
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  CHECK(signature(request("GET", "/", {{"max-keys", "2"}, {"prefix", "J"}})) ==
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("a query is encoded once, blanks and slashes too") {
  CHECK(query_text(request("PUT", "/", {{"partNumber", "1"}, {"uploadId", "a+b/c d"}})) ==
        "partNumber=1&uploadId=a%2Bb%2Fc%20d");
}

TEST_CASE("texts are found in XML answers, and entities read") {
  const char* answer =
      "<?xml version=\"1.0\"?><R><UploadId>a&amp;b&lt;c&gt;&quot;</UploadId><Empty></Empty></R>";
  CHECK(xml_text(answer, "UploadId") == "a&b<c>\"");
  CHECK(xml_text(answer, "Empty").empty());
  CHECK(xml_text(answer, "None").empty());
  CHECK(xml_text("<UploadId>cut", "UploadId").empty());
}

TEST_CASE("an answer means: arrived, try again, or never") {
  using Kind = Outcome::Kind;
  CHECK(judge(200, "").kind == Kind::done);
  CHECK(judge(204, "").kind == Kind::done);
  CHECK(judge(500, "").kind == Kind::later);
  CHECK(judge(503, "<Error><Code>SlowDown</Code></Error>").kind == Kind::later);
  CHECK(judge(429, "").kind == Kind::later);
  CHECK(judge(400, "<Error><Code>RequestTimeout</Code></Error>").kind == Kind::later);
  CHECK(judge(404, "<Error><Code>NoSuchUpload</Code></Error>").kind == Kind::later);
  CHECK(judge(200, "<Error><Code>InternalError</Code></Error>").kind == Kind::later);
  CHECK(judge(404, "<Error><Code>NoSuchBucket</Code></Error>").kind == Kind::refused);
  CHECK(judge(301, "").kind == Kind::refused);
  const Outcome wrong = judge(403, "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>");
  CHECK(wrong.kind == Kind::refused);
  CHECK(wrong.why == "status 403, SignatureDoesNotMatch: no");
}

TEST_CASE("the journal tells where an upload stands") {
  const std::string begun =
      "upload stdout.1 20000000 id-1\n"
      "part stdout.1 1 \"aa\"\n"
      "upload stderr.1 9000000 id-2\n"
      "part stdout.1 2 \"bb\"\n";
  CHECK(read_journal(begun, "stdout.1") == UploadState{false, 20'000'000, "id-1", {"\"aa\"", "\"bb\""}});
  CHECK(read_journal(begun, "stderr.1") == UploadState{false, 9'000'000, "id-2", {}});
  CHECK(read_journal(begun, "stdout.10") == UploadState{});
  CHECK(read_journal(begun + "done stdout.1\n", "stdout.1").done);
  CHECK(read_journal(begun + "aborted stdout.1\n", "stdout.1") == UploadState{});
  CHECK(read_journal(begun + "upload stdout.1 5 id-3\n", "stdout.1") == UploadState{false, 5, "id-3", {}});
}

TEST_CASE("torn, doubled and foreign lines of a journal are no progress") {
  const std::string begun = "upload a 20000000 id\npart a 1 \"aa\"\n";
  CHECK(read_journal(begun + "part a 2 \"b", "a").etags.size() == 1);
  CHECK(read_journal(begun + "part a 1 \"xx\"\n", "a").etags == std::vector<std::string>{"\"aa\""});
  CHECK(read_journal(begun + "part a 3 \"cc\"\n", "a").etags.size() == 1);
  CHECK(read_journal("part a 1 \"aa\"\n", "a") == UploadState{});
  CHECK(read_journal("part a x \"aa\"\n\n   \nwhat a\n", "a") == UploadState{});
}

}  // namespace
}  // namespace mimas::executor
