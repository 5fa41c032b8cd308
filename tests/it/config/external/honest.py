"""Calls the stand-ins with AWS's client.

  honest.py SERVICE_PORT EXTENSION_PORT KEY SECRET TOKEN
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

service, extension, key, secret, token = sys.argv[1:]


def client(secret=secret, token=token):
    return boto3.client(
        "appconfigdata",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{service}",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


def start(profile="flags", **more):
    answer = client().start_configuration_session(
        ApplicationIdentifier="shop",
        EnvironmentIdentifier="prod",
        ConfigurationProfileIdentifier=profile,
        **more,
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    return answer["InitialConfigurationToken"]


def error(call):
    try:
        call()
    except ClientError as failure:
        return failure.response
    raise AssertionError("it was accepted")


def latest(token):
    return client().get_latest_configuration(ConfigurationToken=token)


# A session, its content, and then an empty body: nothing is new.
first = start(RequiredMinimumPollIntervalInSeconds=15)
answer = latest(first)
assert answer["Configuration"].read() == b'{"one":1}'
assert answer["ContentType"] == "application/json"
assert answer["VersionLabel"] == "v1"
assert answer["NextPollIntervalInSeconds"] == 0
again = latest(answer["NextPollConfigurationToken"])
assert again["Configuration"].read() == b""

# A token is valid once, and only if the service made it.
for bad in (first, "made-up"):
    failure = error(lambda: latest(bad))
    assert failure["Error"]["Code"] == "BadRequestException", failure
    assert failure["Reason"] == "InvalidParameters"
    assert failure["Details"]["InvalidParameters"]["ConfigurationToken"]["Problem"] in (
        "Corrupted",
        "Expired",
    )
failure = error(lambda: start("other"))
assert failure["Error"]["Code"] == "ResourceNotFoundException", failure
assert failure["ResourceType"] == "ConfigurationProfile"

# Sessions do not share tokens.
assert start() != start()

# Signatures are checked.
for wrong, code in (
    (client(secret="other"), "InvalidSignatureException"),
    (client(token="other"), "UnrecognizedClientException"),
):
    failure = error(lambda: wrong.get_latest_configuration(ConfigurationToken=first))
    assert failure["Error"]["Code"] == code, failure


# The extension's answers have the members of the services' answers, and its metadata.
def of_extension(path, given=token):
    request = urllib.request.Request(f"http://127.0.0.1:{extension}{path}")
    request.add_header("X-Aws-Parameters-Secrets-Token", given)
    return json.load(urllib.request.urlopen(request))


def members(service, operation):
    model = boto3.client(service, region_name="us-east-1").meta.service_model
    return model.operation_model(operation).output_shape.members


name = urllib.parse.quote("/shop/key", safe="")
parameter = of_extension(f"/systemsmanager/parameters/get?name={name}&withDecryption=true")
assert set(parameter) == {"Parameter", "ResultMetadata"}
assert set(parameter["Parameter"]) == set(members("ssm", "GetParameter")["Parameter"].members)
assert parameter["Parameter"]["Value"] == "hidden"
hidden = of_extension(f"/systemsmanager/parameters/get?name={name}")
assert hidden["Parameter"]["Value"] != "hidden"
value = of_extension(f"/secretsmanager/get?secretId={urllib.parse.quote('shop/db', safe='')}")
assert set(value) - {"ResultMetadata"} == set(members("secretsmanager", "GetSecretValue"))
for path, given in ((f"/systemsmanager/parameters/get?name=other", token), ("/secretsmanager/get?secretId=shop%2Fdb", "")):
    try:
        of_extension(path, given)
        raise AssertionError("it was answered")
    except urllib.error.HTTPError as failure:
        assert failure.code in (400, 401)
