"""Invokes a function concurrently with AWS's client for Python, and prints the answers.

{"url": "http://…", "function": "name", "count": 3, "event": {…}} from standard input
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

request = json.load(sys.stdin)
client = boto3.client(
    "lambda",
    endpoint_url=request["url"],
    region_name="us-east-1",
    aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    config=Config(max_pool_connections=50, proxies={}, retries={"max_attempts": 1}),
)


def invoke(_):
    answer = client.invoke(FunctionName=request["function"], Payload=json.dumps(request["event"]))
    return json.load(answer["Payload"])


with ThreadPoolExecutor(request["count"]) as pool:
    print(json.dumps(list(pool.map(invoke, range(request["count"])))))
