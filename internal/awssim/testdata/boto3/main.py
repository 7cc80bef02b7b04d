"""Calls every operation of the simulator with boto3; prints what was called and what failed."""
import importlib
import json
import pathlib
import traceback

import harness

for path in sorted(pathlib.Path(__file__).parent.glob("calls_*.py")):
    try:
        importlib.import_module(path.stem).run()
    except Exception:
        harness.failures.append(traceback.format_exc())
print(json.dumps({"called": sorted(harness.called), "failures": harness.failures}))
