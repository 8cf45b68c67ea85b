#include "http/refusal.h"

namespace mimas::http {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Payload Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 421: return "Misdirected Request";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return "Error";
  }
}

std::string_view refusal_detail(int status) {
  switch (status) {
    case 400: return "the request is not well-formed HTTP";
    case 408: return "the request took too long to arrive";
    case 413: return "the request body is larger than this server takes";
    case 414: return "the request target is too long";
    case 415: return "the request body is in an encoding this server does not read";
    case 416: return "this Range cannot be read; one range of bytes is, as in bytes=0-99";
    case 429: return "your address has too many connections open, close some first";
    case 431: return "the request headers are larger than this server takes";
    case 500: return "the server failed to answer this request";
    case 501: return "this transfer encoding is not implemented";
    case 503: return "all connections are in use, try again soon";
    default: return "the request was refused";
  }
}

std::string problem_body(int status, std::string_view detail) {
  std::string body = R"({"type":"about:blank","title":")";
  body.append(reason_phrase(status)).append(R"(","status":)").append(std::to_string(status));
  body.append(R"(,"detail":")").append(detail);
  body.append(R"(","statusCode":)").append(std::to_string(status));
  body.append(R"(,"message":")").append(detail).append("\"}");
  return body;
}

std::string whole_refusal(int status, std::string_view detail) {
  const std::string body = problem_body(status, detail);
  std::string bytes = "HTTP/1.1 " + std::to_string(status) + " ";
  bytes.append(reason_phrase(status)).append("\r\nContent-Type: ").append(kProblemType);
  bytes.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  if (status == 503 || status == 429) bytes.append("\r\nRetry-After: 1");
  bytes.append("\r\nConnection: close\r\n\r\n").append(body);
  return bytes;
}

}  // namespace mimas::http
