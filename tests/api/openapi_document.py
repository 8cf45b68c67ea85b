"""api/openapi.yaml is an OpenAPI 3.1 document: its objects have the members that the specification gives them and no others
(openapi_schema.json), its schemas are schemas of JSON Schema 2020-12 without words that it does not have, what it refers to is
there, and what the server takes of a job it takes, too. Argument: the root of the sources.
"""
import copy
import json
import os
import re
import sys

import jsonschema
import yaml

ROOT = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# The words of JSON Schema 2020-12 and those that OpenAPI adds.
WORDS = set("""$schema $vocabulary $id $anchor $dynamicAnchor $ref $dynamicRef $defs $comment
    prefixItems items contains additionalProperties properties patternProperties dependentSchemas propertyNames if then else allOf
    anyOf oneOf not unevaluatedItems unevaluatedProperties type const enum multipleOf maximum exclusiveMaximum minimum
    exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems maxContains minContains maxProperties minProperties
    required dependentRequired title description default deprecated readOnly writeOnly examples format contentEncoding
    contentMediaType contentSchema discriminator xml externalDocs example""".split())
INNER = ("items", "contains", "additionalProperties", "propertyNames", "if", "then", "else", "not", "unevaluatedItems", "unevaluatedProperties")
INNER_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
INNER_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs")


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file) if path.endswith(".yaml") else json.load(file)


def members_faults(document):
    validator = jsonschema.Draft202012Validator(load(os.path.join(HERE, "openapi_schema.json")))
    for fault in validator.iter_errors(document):
        yield "/".join(map(str, fault.absolute_path)) + ": " + fault.message[:300]


def schema_faults(where, schema):
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield f"{where}: no schema"
        return
    for word in schema:
        if word not in WORDS and not word.startswith("x-"):
            yield f"{where}: `{word}` is no word of a schema"
    for word in INNER:
        if word in schema:
            yield from schema_faults(f"{where}/{word}", schema[word])
    for word in INNER_LISTS:
        for i, inner in enumerate(schema.get(word, [])):
            yield from schema_faults(f"{where}/{word}/{i}", inner)
    for word in INNER_MAPS:
        for name, inner in schema.get(word, {}).items():
            yield from schema_faults(f"{where}/{word}/{name}", inner)


def schemas_of(where, node):
    """Every Schema Object that stands in another object of the document, or is named under components."""
    if isinstance(node, list):
        for i, inner in enumerate(node):
            yield from schemas_of(f"{where}/{i}", inner)
    if not isinstance(node, dict):
        return
    for name, inner in node.items():
        if name == "schema":
            yield f"{where}/{name}", inner
        elif where == "components" and name == "schemas":
            yield from ((f"components/schemas/{one}", schema) for one, schema in inner.items())
        elif name not in ("example", "examples"):
            yield from schemas_of(f"{where}/{name}".lstrip("/"), inner)


def reference_faults(document, node, where=""):
    if isinstance(node, list):
        for i, inner in enumerate(node):
            yield from reference_faults(document, inner, f"{where}/{i}")
    if not isinstance(node, dict):
        return
    for name, inner in node.items():
        if name == "$ref":
            target = document
            for part in inner.removeprefix("#/").split("/"):
                target = target.get(part) if isinstance(target, dict) else None
            if target is None:
                yield f"{where}: {inner} is not there"
        else:
            yield from reference_faults(document, inner, f"{where}/{name}")


def operation_faults(document):
    seen = set()
    for path, item in document["paths"].items():
        for method in METHODS:
            operation = item.get(method)
            if operation is None:
                continue
            name = operation.get("operationId")
            if name in seen:
                yield f"{method} {path}: a second {name}"
            seen.add(name)
            given = [document["components"]["parameters"][one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one
                     for one in item.get("parameters", []) + operation.get("parameters", [])]
            described = {one["name"] for one in given if one["in"] == "path"}
            if described != set(re.findall(r"\{(\w+)\}", path)):
                yield f"{method} {path}: its path parameters are described as {sorted(described)}"


def faults_of(document):
    yield from members_faults(document)
    for where, schema in schemas_of("", document):
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as fault:
            yield f"{where}: {fault.message[:300]}"
        yield from schema_faults(where, schema)
    yield from reference_faults(document, document)
    yield from operation_faults(document)


def body_faults(document, name, body):
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    for fault in jsonschema.Draft202012Validator(schema).iter_errors(body):
        yield "/".join(map(str, fault.absolute_path)) + ": " + fault.message[:200]


def the_document_is_valid(document):
    faults = list(faults_of(document))
    assert not faults, "\n".join(faults)


def what_is_wrong_is_found(document):
    """One fault of each kind, planted."""
    def planted(change):
        broken = copy.deepcopy(document)
        change(broken)
        return list(faults_of(broken))

    def parameter(broken):
        broken["paths"]["/v2/jobs"]["get"]["parameters"][0]["and more"] = None

    def response(broken):
        broken["paths"]["/v2/jobs"]["get"]["responses"]["200"]["and more"] = None

    def schema(broken):
        broken["components"]["schemas"]["Audit"]["properties"]["number"]["never reused"] = None

    def kind(broken):
        broken["components"]["schemas"]["Audit"]["properties"]["number"]["type"] = "whole"

    def reference(broken):
        broken["paths"]["/v2/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/None"}

    def path(broken):
        broken["paths"]["/v2/jobs/{other}"] = {"get": {"responses": {"200": {"description": "x"}}}}

    for change in (parameter, response, schema, kind, reference, path):
        assert planted(change), change.__name__


def every_example_fits(document):
    folder = os.path.join(ROOT, "api", "examples")
    files = sorted(os.listdir(folder))
    assert len(files) >= 8, files
    for file in files:
        faults = list(body_faults(document, "JobSpec", load(os.path.join(folder, file))))
        assert not faults, f"{file}: {faults}"


def null_means_not_set(document):
    """Of every field of a request, and of those within (the head of the document says so)."""
    schemas = document["components"]["schemas"]
    body = {name: None for name in schemas["JobSpec"]["properties"]}
    assert len(body) > 60, len(body)
    assert not list(body_faults(document, "JobSpec", body)), list(body_faults(document, "JobSpec", body))
    for name in ("Artifact", "ProcessLimit", "LogRules", "Volume", "Container", "HealthCheck", "RetryPolicy", "KillJob",
                 "SetInstanceCounts", "SetInService", "SetJobProcesses", "KillTasks", "CollectGarbage"):
        required = set(schemas[name].get("required", []))
        body = {field: None for field in schemas[name]["properties"]}
        faults = [fault for fault in body_faults(document, name, body) if fault.split(":")[0] not in required]
        assert not faults, f"{name}: {faults}"


def main():
    document = load(os.path.join(ROOT, "api", "openapi.yaml"))
    for case in (the_document_is_valid, what_is_wrong_is_found, every_example_fits, null_means_not_set):
        case(document)
        print("ok: " + case.__name__.replace("_", " "))


main()
