"""Checks documents as the parameters of Security Hub's BatchImportFindings.

Standard input is a JSON object of them by name; standard output says what is wrong
with each, or ok.

botocore's own validation looks at names, types, required members and ranges; the
patterns and enumerations of its model are checked here, because the service would.
"""

import json
import re
import sys

import botocore.session
from botocore.exceptions import ParamValidationError
from botocore.validate import validate_parameters


def walk(shape, value, path, problems):
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value, re.DOTALL):
        problems.append(f"{path}: {value!r} does not match {pattern}")
    enum = shape.metadata.get("enum")
    if enum and value not in enum:
        problems.append(f"{path}: {value} is none of {enum}")
    if shape.type_name == "structure":
        for name, inner in value.items():
            walk(shape.members[name], inner, f"{path}.{name}", problems)
    elif shape.type_name == "list":
        for i, inner in enumerate(value):
            walk(shape.member, inner, f"{path}[{i}]", problems)
    elif shape.type_name == "map":
        for name, inner in value.items():
            walk(shape.value, inner, f"{path}.{name}", problems)


model = botocore.session.get_session().get_service_model("securityhub")
shape = model.operation_model("BatchImportFindings").input_shape


def verdict(document):
    try:
        validate_parameters(document, shape)
    except ParamValidationError as error:
        return str(error)
    problems = []
    walk(shape, document, "Findings", problems)
    return "\n".join(problems) or "ok"


json.dump({name: verdict(document) for name, document in json.load(sys.stdin).items()}, sys.stdout)
