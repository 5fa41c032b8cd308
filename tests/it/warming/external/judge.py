"""Checks the signatures of requests with botocore.

Reads a JSON list of requests from standard input, and prints a list with "ok" or the fault of each:
{"method": "POST", "url": "http://…", "headers": {"name": "value"}, "body": "…"}
"""

import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "SESSION/TOKEN+EXAMPLE==")


def judge(request):
    headers = {name.lower(): value for name, value in request["headers"].items()}
    scheme, rest = headers["authorization"].split(" ", 1)
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    if scheme != "AWS4-HMAC-SHA256":
        return f"scheme {scheme}"
    key, date, region, service, end = parts["Credential"].split("/")
    if (key, end) != ("AKIDEXAMPLE", "aws4_request") or not headers["x-amz-date"].startswith(date):
        return f"credential {parts['Credential']}"
    signed = parts["SignedHeaders"].split(";")
    unsigned = [name for name in headers if name.startswith("x-amz-") and name not in signed]
    if unsigned or "host" not in signed:
        return f"unsigned: {unsigned}"
    if headers.get("x-amz-security-token") != CREDENTIALS.token:
        return "without the session's token"
    again = AWSRequest(request["method"], request["url"], data=request["body"].encode())
    for name in signed:
        again.headers[name] = headers[name]
    again.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(CREDENTIALS, service, region)
    expected = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
    return "ok" if expected == parts["Signature"] else f"{parts['Signature']} is not {expected}"


print(json.dumps([judge(request) for request in json.load(sys.stdin)]))
