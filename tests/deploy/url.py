"""url.py TEMPLATE...: a template of CloudFormation or SAM grants the public both permissions that a
function URL needs, and nothing else."""

import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

WANTED = [
    {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
]

for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    if "Transform" in template:
        # As `sam deploy` leaves it.
        template["Resources"]["Function"]["Properties"]["CodeUri"] = "s3://bucket/key"
        template = transform(template, {}, ManagedPolicyLoader(None))
    found = []
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Lambda::Permission" and properties.pop("Principal") == "*":
            properties.pop("FunctionName")
            found.append(properties)
    found.sort(key=lambda permission: permission["Action"])
    if found != WANTED:
        sys.exit(f"{path}: {found} is granted to the public, expected {WANTED}")
