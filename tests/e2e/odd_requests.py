"""Makes requests nobody would send, out of api/openapi.yaml: right ones, and right ones with something wrong about them.

A Maker is a function of its seed: the same seed makes the same requests, but for the ids it has been told of. What jobs
would run is harmless on purpose: programs are `true`, and no text holds what a shell would carry out.
"""
import json
import random
import re
import urllib.parse

TEXTS = ["", " ", "a", "true", "null", "0", "-1", "mimas-1", "mimas-0", "mimas-99999999999999999999", "mimas-1-worker-0-0", "x" * 300,
         "x" * 5000, "ä", "日本語", "🪐" * 5, "\u202e", "\ufeff", "é", "two\nlines", "tab\there", "\x00", "\x01\x1f\x7f", "%", "%00", "%s%n",
         "..", "../../etc/passwd", "/", "//", "a/b", "\\", '"', "'", "{", "}", "[", "a=b", "a,b", "a=b,c=d", "=", ",", "<script>", "&amp;",
         "arch=arm", "UniqueHost", "1.5", "1e309", "NaN", "Infinity", "0x10", "2026-11-21T07:00:00.123Z", "2026-99-99T99:99:99Z",
         "sha256:" + "a" * 64, "nginx", "name:tag", "0:0", "root", "SIGKILL", "ANY", "RUNNING", "running", "*"]
NUMBERS = [0, 1, -1, 2, 7, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -2**31 - 1, 2**53, 2**63 - 1, 2**63, 2**64, -2**63 - 1, 10**30, 0.1, -0.5,
           1e-9, 1.5, 1e300, 1e22]
# As JSON text that no writer would produce.
RAW = ["NaN", "Infinity", "-0", "-0.0", "1e999", "1E+2", "01", "+1", ".5", "5.", "0x1", "1" * 400, "tru", "nul", "'a'", '"\\ud800"', '"\\udc00"',
       '"\\u0000"', '"\\x"', '"a', "[1,]", '{"a":1,}', "{a:1}", "/*c*/1", "[" * 300 + "]" * 300, "{}{}", "\ufeff1", '"\t"']
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "FOO", "CONNECT"]
CONTENT_TYPES = ["application/json", "application/json; charset=UTF-8", "application/json;charset=latin1", "text/plain", "text/xml", "",
                 "application/merge-patch+json", "application/json-patch+json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded",
                 "application/octet-stream", "x", ";", "application/json, text/plain", "a" * 500]
RANGES = ["bytes=0-", "bytes=0-0", "bytes=-5", "bytes=5-2", "bytes=99999999999999999999-", "bytes=0-1,3-4", "bytes=", "bytes", "lines=1-2", "bytes=a-b",
          "bytes=-", "bytes=-0", ", ", "bytes=" + "0-0," * 500]
HEADERS = {
    "Range": RANGES, "If-Range": ['"0-0"', "*", "x", 'W/"1"', "Sat, 21 Nov 2026 08:12:40 GMT"],
    "If-Match": ['"1"', "*", "1", '"x"', 'W/"1"', '"1", "2"', '"', "," * 50, '"99999999999999999999"'],
    "If-None-Match": ['"1"', "*", "x"],
    "Idempotency-Key": ["k", "", "x" * 1000, '"quoted"', "ä", "a b", "k1", "k2"],
    "Last-Event-ID": ["0", "1", "-1", "99999999999999999999", "x", "", "1-1", "e-1"],
    "Accept": ["*/*", "text/html", "application/json", "", "text/event-stream", ";q=x", "a/b;q=2"],
    "Accept-Encoding": ["gzip", "br, gzip;q=0", "identity;q=0", "x" * 300], "Accept-Language": ["de"],
    "Authorization": ["Basic", "Basic x", "Basic Og==", "Bearer ", "Bearer x", "Digest a=b", "x"],
    "Origin": ["http://evil.example", "null", "x"], "Host": ["", "evil.example", "a b", "x" * 300, "[::1"],
    "X-Forwarded-For": ["1.2.3.4"], "X-Forwarded-Proto": ["https"], "X-HTTP-Method-Override": ["DELETE"], "Forwarded": ["for=1.2.3.4"],
    "Cookie": ["a=b", "x" * 2000], "Expect": ["100-continue", "x"], "Content-Encoding": ["gzip", "identity"], "Content-Range": ["bytes 0-1/2"],
    "Upgrade": ["websocket", "h2c"], "X-Odd": ["\x01", "\xff\xfe", "x" * 8000], "Access-Control-Request-Method": ["POST"],
}
STREAMS = ("/events",)  # of which the head alone is read
# What ends the server on purpose, or writes where it is told to.
NOT_ASKED = ("/admin/",)
KEPT_TASK = "mimas-1-worker-0-0"  # is read, and never changed
KEPT = re.compile(rb"mimas-1(?!\d)")
INSTANCES_MAX = 5  # of a job that may be accepted: what is on record at the end is memory, too


def choose_type(schema):
    kind = schema.get("type")
    return kind[0] if isinstance(kind, list) else kind


class Maker:
    def __init__(self, document, seed):
        self.document, self.rng = document, random.Random(seed)
        self.job_ids, self.task_ids = [], []
        self.operations = []
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                known = method in ("get", "post", "put", "patch", "delete", "head", "options")
                if known and not any(part in path for part in NOT_ASKED):
                    self.operations.append((path, method.upper(), operation, methods.get("parameters", [])))

    def resolve(self, schema):
        while isinstance(schema, dict) and "$ref" in schema:
            node = self.document
            for part in schema["$ref"][2:].split("/"):
                node = node[part.replace("~1", "/").replace("~0", "~")]
            schema = node
        return schema if isinstance(schema, dict) else {}

    # --- values
    def text(self):
        rng = self.rng
        if rng.random() < 0.8:
            return rng.choice(TEXTS)
        return "".join(chr(rng.choice((rng.randrange(1, 0x24), rng.randrange(0x25, 0x60), rng.randrange(0x61, 0x3000)))) for _ in range(rng.randrange(30)))

    def identifier(self, name):
        rng = self.rng
        known = self.task_ids if "task" in name.lower() else self.job_ids
        if "task" in name.lower() and rng.random() < 0.4:
            return KEPT_TASK
        if known and rng.random() < 0.7:
            return rng.choice(known)
        return rng.choice(["mimas-1", "mimas-2", "mimas-1-worker-0-0", "mimas-op-1", "download", self.text()])

    def value(self, schema, depth=0, name=""):
        """One that the schema allows, most of the time."""
        rng, schema = self.rng, self.resolve(schema)
        for word in ("oneOf", "anyOf"):
            if word in schema:
                return self.value(rng.choice(schema[word]), depth, name)
        if "allOf" in schema:
            merged = {}
            for part in schema["allOf"]:
                made = self.value(part, depth + 1, name)
                merged.update(made if isinstance(made, dict) else {})
            return merged
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return rng.choice(schema["enum"])
        kind = choose_type(schema)
        if isinstance(schema.get("type"), list) and rng.random() < 0.3:
            return None
        if kind == "object" or (kind is None and "properties" in schema):
            return self.object(schema, depth)
        if kind == "array":
            count = 0 if depth > 4 else rng.choice((0, 1, 1, 2, 3))
            return [self.value(schema.get("items", {}), depth + 1, name) for _ in range(count)]
        if kind == "boolean":
            return rng.random() < 0.5
        if kind in ("integer", "number"):
            low, high = schema.get("minimum", 0), schema.get("maximum", 1000)
            number = rng.choice((low, high, schema.get("default", low), low + 1, (low + high) // 2 if kind == "integer" else (low + high) / 2))
            return number
        if name.lower().endswith("id") or name.lower().endswith("ids"):
            return self.identifier(name)
        if "example" in schema and rng.random() < 0.5:
            return schema["example"]
        return rng.choice(("a", "app", "main", "v%03d" % rng.randrange(1000), "text", self.text()))

    def object(self, schema, depth):
        rng, made = self.rng, {}
        properties = schema.get("properties", {})
        share = rng.choice((0.1, 0.3, 1.0)) if depth else rng.choice((0.05, 0.15, 0.5))
        for name, inner in properties.items():
            if name in schema.get("required", []) or (depth < 5 and rng.random() < share):
                made[name] = self.value(inner, depth + 1, name)
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and depth < 5:
            for _ in range(rng.randrange(3)):
                made[self.text()] = self.value(more, depth + 1)
        return made

    def anything(self, depth=0):
        rng = self.rng
        roll = rng.random()
        if roll < 0.25:
            return rng.choice(NUMBERS)
        if roll < 0.55:
            return self.text()
        if roll < 0.75 or depth > 3:
            return rng.choice((None, True, False, [], {}, ""))
        if roll < 0.88:
            return [self.anything(depth + 1) for _ in range(rng.randrange(4))]
        return {self.text(): self.anything(depth + 1) for _ in range(rng.randrange(4))}

    def spoilt(self, value):
        """The same with something of it replaced, removed or added."""
        rng = self.rng
        if isinstance(value, dict) and value and rng.random() < 0.9:
            value = dict(value)
            name = rng.choice(list(value))
            roll = rng.random()
            if roll < 0.5:
                value[name] = self.spoilt(value[name])
            elif roll < 0.65:
                del value[name]
            elif roll < 0.8:
                value[name[:-1] + rng.choice("xX_ ")] = value.pop(name)
            else:
                value[self.text()] = self.anything()
            return value
        if isinstance(value, list) and value and rng.random() < 0.7:
            value = list(value)
            index = rng.randrange(len(value))
            value[index:index + 1] = [self.spoilt(value[index])] * rng.choice((1, 2, 60))
            return value
        return self.anything()

    @staticmethod
    def harmless(body):
        """Whatever is accepted may one day be run."""
        if isinstance(body, dict):
            for name in ("entryPoint", "command"):
                if isinstance(body.get(name), str):
                    body[name] = "exec true " + body[name].replace("`", "").replace("$", "")
                elif isinstance(body.get(name), list):
                    body[name] = ["true", *body[name]]
            for name in ("instances", "instancesDesired", "instancesMin", "instancesMax"):
                count = body.get(name)
                if isinstance(count, (int, float)) and INSTANCES_MAX < count <= 10_000:
                    body[name] = INSTANCES_MAX
        return body

    # --- bodies as bytes
    def body(self, schema):
        rng = self.rng
        if "JobSpec" in str(schema.get("$ref", "")) and rng.random() < 0.5:
            value = {"name": "odd", "runtime": "process", "entryPoint": "true", "memory": 8, "disk": 1, "cpu": 0.01, "type": rng.choice(("batch", "service"))}
            value.update(self.value(schema) if rng.random() < 0.3 else {})
        else:
            value = self.value(schema)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 5))):
            value = self.spoilt(value)
        text = json.dumps(self.harmless(value), ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
        roll = rng.random()
        if roll < 0.70:
            return text
        if roll < 0.76:
            return text[:rng.randrange(len(text) + 1)]
        if roll < 0.82 and text:
            at = rng.randrange(len(text))
            return text[:at] + bytes([rng.randrange(256)]) + text[at + 1:]
        if roll < 0.88 and b":" in text:
            at = text.index(b":") + 1
            return text[:at] + rng.choice(RAW).encode() + b"," + text[1:]
        if roll < 0.91 and text.startswith(b"{") and len(text) > 2:
            return b"{" + text[1:-1] + b"," + text[1:]  # every member twice
        if roll < 0.94:
            deep = rng.choice((50, 199, 200, 201, 5000))
            return rng.choice((b"[" * deep + b"]" * deep, b'{"a":' * deep + b"1" + b"}" * deep))
        if roll < 0.97:
            return rng.choice(RAW).encode()
        return rng.choice((b"", b"\0", b"\xff\xfe", bytes(rng.randrange(256) for _ in range(40)), text + text, b" " * 1000 + text))

    # --- the request
    def target(self, path, operation, shared):
        rng = self.rng
        parameters = [self.resolve(one) for one in [*shared, *operation.get("parameters", [])]]
        while "{" in path:
            before, _, rest = path.partition("{")
            name, _, after = rest.partition("}")
            given = self.identifier("task" if "/tasks/" in before or name == "taskId" else name)
            if name == "file":
                given = rng.choice(("stdout", "stdout", "stdout", "stderr", "stdout.1", "..", "..%2f..", self.text()))
            if name == "arch":
                given = rng.choice(("x86_64", "armhf", "vax", self.text()))
            path = before + (given if rng.random() < 0.03 else urllib.parse.quote(given.encode("utf-8", "surrogatepass"), safe="")) + after
        if rng.random() < 0.2:
            path = "/api" + path if path.startswith("/v2") else path
        if rng.random() < 0.03:
            at = rng.randrange(len(path))
            path = path[:at] + rng.choice(("%", "%zz", "%00", "//", "/../", "%2e%2e", "?", "#", ";", " ", "ä", "x")) + path[at:]
        pairs = []
        for parameter in parameters:
            if parameter.get("in") == "query" and rng.random() < 0.3:
                value = self.value(parameter.get("schema", {}), 1, parameter["name"]) if rng.random() < 0.6 else self.anything()
                text = value if isinstance(value, str) else json.dumps(value)
                pairs.append((parameter["name"], text))
        if rng.random() < 0.1:
            pairs.append((self.text(), self.text()))
        if rng.random() < 0.05:
            pairs = pairs * 40
        query = urllib.parse.urlencode([(a.encode("utf-8", "surrogatepass"), b.encode("utf-8", "surrogatepass")) for a, b in pairs])
        if rng.random() < 0.02:
            query += rng.choice(("&", "&&&=", "%", "%f", "&a=%ff%fe", "a" * 9000, "=", "&a=b=c"))
        return path + ("?" + query if query else "")

    def request(self):
        """(method, path of the contract, bytes, follows): `follows` when the answer may be a stream."""
        rng = self.rng
        path, method, operation, shared = rng.choice(self.operations)
        target = self.target(path, operation, shared)
        sent = method if rng.random() < 0.93 else rng.choice(METHODS)
        headers, body = [], b""
        content = self.resolve(operation.get("requestBody", {})).get("content", {})
        if content and rng.random() < 0.97:
            body = self.body(next(iter(content.values())).get("schema", {}))
            headers.append(("Content-Type", next(iter(content)) if rng.random() < 0.85 else rng.choice(CONTENT_TYPES)))
        elif rng.random() < 0.03:
            body = self.body({})
        headers.append(("Host", "localhost"))
        for parameter in [self.resolve(one) for one in [*shared, *operation.get("parameters", [])]]:
            if parameter.get("in") == "header" and rng.random() < 0.4:
                headers.append((parameter["name"], rng.choice(HEADERS.get(parameter["name"], TEXTS))))
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            name = rng.choice(list(HEADERS))
            headers = [one for one in headers if one[0] != name or rng.random() < 0.3]
            headers.append((name, rng.choice(HEADERS[name])))
        if sent not in ("GET", "HEAD"):
            body, target = KEPT.sub(b"mimas-0", body), KEPT.sub(b"mimas-0", target.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        if body or sent in ("POST", "PUT", "PATCH"):
            headers.append(("Content-Length", str(len(body))))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers
                       if "\r" not in value and "\n" not in value)
        first = f"{sent} {target} HTTP/1.1\r\n"
        follows = any(part in path for part in STREAMS) or "follow" in target
        return sent, path, first.encode("utf-8", "surrogatepass") + head.encode("latin-1", "replace") + b"\r\n" + body, follows
