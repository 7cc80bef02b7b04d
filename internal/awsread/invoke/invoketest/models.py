"""Prints the parameters and answers of operations as botocore's models have them.

Reads a list of names such as iam:CreateGroup; prints for each the members by their paths."""
import json
import sys

import botocore.session

SERVICES = {"access-analyzer": "accessanalyzer"}
KINDS = {"string": "text", "character": "text", "boolean": "flag", "integer": "whole", "long": "whole", "float": "number", "double": "number",
         "timestamp": "time", "blob": "bytes"}
session = botocore.session.Session()
models = {}


def walk(out, shape, at, choices, over):
    if shape.name in over:
        return
    over = over + [shape.name]
    below = lambda name: f"{at}.{name}" if at else name
    if shape.type_name == "structure":
        union = getattr(shape, "is_tagged_union", False)
        out[at] = "choice" if union else "structure"
        if not union or choices:
            for name, member in shape.members.items():
                walk(out, member, below(name), choices, over)
    elif shape.type_name == "list":
        out[at] = "list"
        walk(out, shape.member, below("[]"), choices, over)
    elif shape.type_name == "map":
        out[at] = "map"
        walk(out, shape.value, below("*"), choices, over)
    else:
        out[at] = KINDS[shape.type_name]


result = {}
for name in json.load(sys.stdin):
    service, operation = name.split(":")
    service = SERVICES.get(service, service)
    if service not in models:
        models[service] = session.get_service_model(service)
    model = models[service].operation_model(operation)
    both = result[name] = {"In": {}, "Out": {}}
    for part, shape in (("In", model.input_shape), ("Out", model.output_shape)):
        if shape is not None:
            walk(both[part], shape, "", part == "In", [])
            both[part].pop("", None)
json.dump(result, sys.stdout)
