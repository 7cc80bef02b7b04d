# Reads Terraform from standard input and prints the policy of the role.
import json
import sys

import hcl2

parsed = hcl2.load(sys.stdin)
policies = [r["policy"] for block in parsed["resource"] for kind, named in block.items()
            if kind.strip('"') == "aws_iam_role_policy" for r in named.values()]
text = policies[0]
print(text[text.index("{"):text.rindex("}") + 1])
