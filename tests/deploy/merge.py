"""merge.py TEMPLATE FRAGMENT...: adds YAML fragments to a YAML template, as their readers do."""

import sys

from samcli.yamlhelper import yaml_dump
from samcli.yamlhelper import yaml_parse


def add(template, fragment):
    for key, value in fragment.items():
        if isinstance(value, dict) and isinstance(template.get(key), dict):
            add(template[key], value)
        elif key in template:
            sys.exit(f"a fragment sets {key}, which another one sets")
        else:
            template[key] = value


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml_parse(file.read())


template = read(sys.argv[1])
for path in sys.argv[2:]:
    add(template, read(path))
with open(sys.argv[1], "w", encoding="utf-8") as file:
    file.write(yaml_dump(template))
