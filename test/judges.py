"""Runs commands of Espressif's Python tools one after the other in one process, which takes half a second to start.

Standard input: a JSON list of {"tool": "esptool" | "espsecure" | "espefuse" | "nvs", "args": [...]}.
Standard output: a JSON list of {"ok": whether it ended well, "output": what it printed}, in the same order.
"""

import contextlib
import importlib
import io
import json
import sys


def run(tool, args):
    if tool == "nvs":
        generator = importlib.import_module("esp_idf_nvs_partition_gen.nvs_partition_gen")
        generator._build_cli()(args=args, standalone_mode=False)
    else:
        importlib.import_module(tool).main(args)


def judge(job):
    printed = io.StringIO()
    ok = True
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            run(job["tool"], job["args"])
        except SystemExit as end:
            ok = end.code in (None, 0)
            if not ok:
                print(end.code)
        except Exception as error:
            ok = False
            print(f"{type(error).__name__}: {error}")
    return {"ok": ok, "output": printed.getvalue()}


json.dump([judge(job) for job in json.load(sys.stdin)], sys.stdout)
