"""Invokes a function so many times at once, as AWS's client for Python does, and writes the answers.

{"url": "http://…", "function": "name", "count": 3, "event": {…}} from standard input
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

wanted = json.load(sys.stdin)
client = boto3.client(
    "lambda",
    endpoint_url=wanted["url"],
    region_name="us-east-1",
    aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    config=Config(max_pool_connections=50, proxies={}, retries={"max_attempts": 1}),
)


def invoke(_):
    answer = client.invoke(FunctionName=wanted["function"], Payload=json.dumps(wanted["event"]))
    return json.load(answer["Payload"])


with ThreadPoolExecutor(wanted["count"]) as pool:
    print(json.dumps(list(pool.map(invoke, range(wanted["count"])))))
