#include "http/refusal.h"

namespace mimas::http {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Payload Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Error";
  }
}

std::string_view refusal_detail(int status) {
  switch (status) {
    case 408: return "the request took too long to arrive";
    case 415: return "the request body is in an encoding this server does not read";
    case 416: return "this Range cannot be read; one range of bytes is, as in bytes=0-99";
    case 429: return "your address has too many connections open, close some first";
    case 500: return "the server failed to answer this request";
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

Reply refusal_reply(int status, std::string_view detail) {
  Reply reply;
  reply.status = status;
  reply.content_type = kProblemType;
  reply.body = problem_body(status, detail);
  if (status == 503 || status == 429) reply.headers.push_back({"Retry-After", "1"});
  return reply;
}

}  // namespace mimas::http
