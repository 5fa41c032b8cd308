"""Makes a user who may do some actions on everything, and if one is named, a function that is not
really run, in a moto that has just been started; writes the user's key.

{"url": "http://…", "actions": ["lambda:InvokeFunction"], "function": "echo"} from standard input
"""

import io
import json
import sys
import time
import urllib.error
import urllib.request
import zipfile

import boto3
from botocore.config import Config

wanted = json.load(sys.stdin)
url = wanted["url"]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for _ in range(600):
    try:
        configuration = json.dumps({"lambda": {"use_docker": False}}).encode()
        opener.open(urllib.request.Request(url + "/moto-api/config", data=configuration))
        break
    except (urllib.error.URLError, ConnectionError):
        time.sleep(0.1)
options = {
    "endpoint_url": url,
    "region_name": "us-east-1",
    "aws_access_key_id": "free",
    "aws_secret_access_key": "free",
    "config": Config(proxies={}),
}
iam = boto3.client("iam", **options)
iam.create_user(UserName="user")
statement = {"Effect": "Allow", "Action": wanted["actions"], "Resource": "*"}
document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
iam.put_user_policy(UserName="user", PolicyName="actions", PolicyDocument=document)
key = iam.create_access_key(UserName="user")["AccessKey"]
if "function" in wanted:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as package_zip:
        package_zip.writestr("libecho.so", "")
    boto3.client("lambda", **options).create_function(
        FunctionName=wanted["function"],
        Runtime="provided.al2023",
        Role=role,
        Handler="echo",
        Code={"ZipFile": package.getvalue()},
    )
print(json.dumps({"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}))
