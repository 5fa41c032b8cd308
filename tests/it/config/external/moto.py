"""Creates values and a user who may read them in moto, in calls that need no signature, and
prints the user's keys.

  moto.py PORT
"""

import json
import sys
import time

import boto3
from botocore.exceptions import EndpointConnectionError


def client(service):
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{sys.argv[1]}",
        aws_access_key_id="first",
        aws_secret_access_key="calls",
    )


iam, ssm, secrets = client("iam"), client("ssm"), client("secretsmanager")
for _ in range(300):
    try:
        iam.create_user(UserName="reader")
        break
    except EndpointConnectionError:
        time.sleep(0.1)
key = iam.create_access_key(UserName="reader")["AccessKey"]
actions = ["ssm:GetParameter", "secretsmanager:GetSecretValue"]
policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
}
iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(policy))
ssm.put_parameter(Name="/shop/limit", Type="String", Value='{"most":7}')
ssm.put_parameter(Name="/shop/key", Type="SecureString", Value="hunter2")
secrets.create_secret(Name="shop/db", SecretString="hunter3")
secrets.create_secret(Name="shop/raw", SecretBinary=b"hunter4")
print(json.dumps({"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}))
