"""Runs lambda-warmer-py on sequences of events: reads a JSON list of cases from standard input, and
writes the list of their results. Each case has an environment of its own.

  case    [event, ...]
  result  [{"handled": true, "invocations": [{"FunctionName", "InvocationType", "Payload"}], "records": [...]}, ...]
"""

import importlib
import json
import logging
import sys
from types import SimpleNamespace

import lambdawarmer

if lambdawarmer.__version__ != "0.6.0":
    sys.exit(f"lambda-warmer-py {lambdawarmer.__version__}")


class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.seen = []

    def emit(self, record):
        # One for every invocation, which says nothing of pings, and one for each ping.
        if isinstance(record.msg, dict) and "action" in record.msg:
            self.seen.append(record.msg)


def run(events):
    importlib.reload(lambdawarmer)
    logger = logging.getLogger("lambdawarmer")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    results = []
    handler = lambdawarmer.warmer(delay=0)(lambda event, context: "handled")
    for event in events:
        invocations = []
        client = SimpleNamespace(invoke=lambda **call: invocations.append(call))
        lambdawarmer.boto3_client = lambda service: client
        records = Records()
        logger.handlers = [records]
        answer = handler(event, SimpleNamespace(aws_request_id="request"))
        sent = [{**call, "Payload": json.loads(call["Payload"])} for call in invocations]
        results.append({"handled": answer == "handled", "invocations": sent, "records": records.seen})
    return results


print(json.dumps([run(events) for events in json.load(sys.stdin)]))
