"""A small supervisor as a program, for tests: runs the children that a JSON file describes.

python -m tests.supervisor.supervise_children FILE
where FILE holds {"grace": seconds, "nohup": bool, "starting": bool, "once": [code…], "children": {name: code…}} and
each code is a Python program. With "nohup" SIGHUP is ignored from the beginning, as under the command nohup; else it is
not, whatever this process has inherited.
"""

import json
import os
import signal
import sys

from exports.supervisor.child import ChildProcess
from exports.supervisor.output import PrefixedLog
from exports.supervisor.supervise import Supervisor


def main() -> int:
    """Runs the plan; the exit code of the first one-time program that fails, else 0."""
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    signal.signal(signal.SIGHUP, signal.SIG_IGN if plan.get("nohup") else signal.SIG_DFL)
    supervisor = Supervisor(PrefixedLog(sys.stdout), grace=plan.get("grace", 8.0))
    try:
        for number, code in enumerate(plan.get("once", [])):
            result = supervisor.run_to_end(child(f"once{number}", code))
            if result:
                return abs(result)
        children = [child(name, code) for name, code in plan["children"].items()]
        supervisor.run(children, starting=plan.get("starting", False))
    finally:
        supervisor.close()
    return supervisor.exit_code


def child(name: str, code: str) -> ChildProcess:
    """A child that runs the Python code."""
    return ChildProcess(name, [sys.executable, "-u", "-c", code], dict(os.environ))


if __name__ == "__main__":
    sys.exit(main())
