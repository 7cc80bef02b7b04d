# Reads a Terraform file from standard input with python-hcl2, and writes the addresses of
# its resources, and those that it refers to and does not have.
import json
import re
import sys

import hcl2

text = sys.stdin.read()
read = hcl2.loads(text)


def bare(s):
    return s.strip('"')


def addresses(kind):
    return [bare(t) + "." + bare(n) for block in read.get(kind, []) for t, body in block.items() if not t.startswith("__") for n in body if not n.startswith("__")]


resources = addresses("resource")
data = {"data." + a for a in addresses("data")}
variables = {"var." + bare(n) for block in read.get("variable", []) for n in block if not n.startswith("__")}
# What stands in quotation marks is no reference but in its templates.
code = re.sub(r'"(?:[^"\\]|\\.)*"', lambda m: " ".join(re.findall(r"(?<!\$)\$\{([^}]*)\}", m.group(0))), text)
found = set(re.findall(r"\b(?:data\.)?aws_[a-z0-9_]+\.[a-z0-9_]+", code)) | set(re.findall(r"\bvar\.[a-z0-9_]+", code))
known = set(resources) | data | variables
json.dump({"resources": resources, "unknown": sorted(a for a in found if a not in known)}, sys.stdout)
