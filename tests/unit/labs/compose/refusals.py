"""What Docker Compose 2.40 says of files that it refuses, as it was seen; and the line that is at fault."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """A bad file. ``{file}`` and ``{folder}`` in the words stand for its paths."""

    text: str
    line: int | None
    words: str


REFUSALS = {
    "a service's key misspelt": Refusal(
        "services:\n  nginx:\n    imge: nginx\n",
        3,
        "validating {file}: services.nginx additional properties 'imge' not allowed",
    ),
    "a key of the file misspelt": Refusal(
        "servces:\n  nginx:\n    image: nginx\n", 1, "validating {file}:  additional properties 'servces' not allowed"
    ),
    "a port's key misspelt": Refusal(
        "services:\n  nginx:\n    image: nginx\n    ports:\n      - {target: 80, publshed: 80}\n",
        5,
        "validating {file}: services.nginx.ports.0 additional properties 'publshed' not allowed",
    ),
    "a network's key misspelt": Refusal(
        "services:\n  nginx:\n    image: nginx\nnetworks:\n  net: {drver: x}\n",
        5,
        "validating {file}: networks.net additional properties 'drver' not allowed",
    ),
    "an empty file": Refusal("", None, "empty compose file"),
    "a quote that is not closed": Refusal(
        'services:\n  nginx:\n    image: "nginx\n    ports: []\n', 5, "yaml: line 3: found unexpected end of stream"
    ),
    "a tab": Refusal("services:\n\tnginx:\n", 2, "yaml: line 2: found character that cannot start any token"),
    "a wrong indent": Refusal(
        "services:\n  nginx:\n    image: nginx\n   ports: []\n", 4, "yaml: line 1: did not find expected key"
    ),
    "a bracket that is not closed": Refusal(
        "services:\n  nginx:\n    image: [nginx\n    ports: []\n", 4, "yaml: line 2: did not find expected ',' or ']'"
    ),
    "a brace that is not closed": Refusal(
        "services:\n  nginx:\n    image: {nginx\n    ports: []\n", 4, "yaml: line 2: did not find expected ',' or '}'"
    ),
    "a colon forgotten": Refusal(
        "services:\n  nginx:\n    image nginx\n    ports: []\n",
        4,
        "yaml: line 4: mapping values are not allowed in this context",
    ),
    "two colons": Refusal("services: nginx: image\n", 1, "yaml: mapping values are not allowed in this context"),
    "an unknown anchor": Refusal("services:\n  nginx: *x\n", 2, "yaml: unknown anchor 'x' referenced"),
    "bytes that are no text": Refusal('services: {a: {image: "\udcff"}}\n', 1, "yaml: invalid leading UTF-8 octet"),
    "a word": Refusal("hello\n", 1, "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `hello` into cli.named"),
    "a list": Refusal("- nginx\n", 1, "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into cli.named"),
    "a key twice": Refusal(
        "services:\n  nginx:\n    image: nginx\n  nginx:\n    image: nginx\n",
        4,
        'failed to parse {file}: line 4: mapping key "nginx" already defined at line 2',
    ),
    "no service's body": Refusal("services:\n  nginx:\n", 2, "validating {file}: services.nginx must be a mapping"),
    "services of nothing": Refusal("services:\n", 1, "services must be a mapping"),
    "services in a list": Refusal("services:\n  - nginx\n", 2, "services must be a mapping"),
    "a service that is a word": Refusal("services:\n  nginx: nginx\n", 2, "services.nginx must be a mapping"),
    "a service's name with a space": Refusal(
        'services:\n  "a b": {image: nginx}\n', 2, "validating {file}: services additional properties 'a b' not allowed"
    ),
    "no image": Refusal(
        'services:\n  nginx:\n    ports: ["80:80"]\n',
        3,
        'service "nginx" has neither an image nor a build context specified: invalid compose project',
    ),
    "an empty image": Refusal(
        'services:\n  nginx:\n    image: ""\n',
        3,
        'service "nginx" has neither an image nor a build context specified: invalid compose project',
    ),
    "an image that is a number": Refusal(
        "services:\n  nginx:\n    image: 1\n", 3, "validating {file}: services.nginx.image must be a string"
    ),
    "an image that is a list": Refusal(
        "services:\n  nginx:\n    image: [nginx]\n", 3, "validating {file}: services.nginx.image must be a string"
    ),
    "ports in a word": Refusal(
        'services:\n  nginx:\n    image: nginx\n    ports: "80:80"\n',
        4,
        "validating {file}: services.nginx.ports must be a array",
    ),
    "a port that is a word": Refusal(
        'services:\n  nginx:\n    image: nginx\n    ports: ["abc:80"]\n', 4, "Invalid hostPort: abc"
    ),
    "a port too high": Refusal(
        'services:\n  nginx:\n    image: nginx\n    ports: ["99999:80"]\n', 4, "Invalid hostPort: 99999"
    ),
    "a container port forgotten": Refusal(
        'services:\n  nginx:\n    image: nginx\n    ports: ["80:"]\n', 4, "No port specified: 80:<empty>"
    ),
    "an address cut short": Refusal(
        'services:\n  nginx:\n    image: nginx\n    ports: ["1.2.3:80:80"]\n', 4, "Invalid ip address: 1.2.3"
    ),
    "a colon too many": Refusal(
        'services:\n  nginx:\n    image: nginx\n    ports: ["80:80:80:80"]\n',
        4,
        "Invalid ip address 80:80: address 80:80:: too many colons in address",
    ),
    "an unknown protocol": Refusal(
        'services:\n  nginx:\n    image: nginx\n    ports: ["80:80/xyz"]\n', 4, "Invalid proto: xyz"
    ),
    "ranges that differ": Refusal(
        'services:\n  nginx:\n    image: nginx\n    ports: ["80-82:80-81"]\n',
        4,
        "Invalid ranges specified for container and host Ports: 80-81 and 80-82",
    ),
    "a long port without target": Refusal(
        "services:\n  nginx:\n    image: nginx\n    ports:\n      - {published: 80}\n",
        5,
        "service ports services.nginx.ports.[0] is missing a target port",
    ),
    "an environment that is a number": Refusal(
        "services:\n  nginx:\n    image: nginx\n    environment: 3\n",
        4,
        "validating {file}: services.nginx.environment must be a mapping",
    ),
    "a variable that is a list": Refusal(
        "services:\n  nginx:\n    image: nginx\n    environment: {A: [1]}\n",
        4,
        "validating {file}: services.nginx.environment.A must be a boolean, null, number or string",
    ),
    "a variable that is a date": Refusal(
        "services:\n  nginx:\n    image: nginx\n    environment: {A: 2024-01-01}\n",
        4,
        "validating {file}: services.nginx.environment.A invalid jsonType time.Time",
    ),
    "a password file that is missing": Refusal(
        "services:\n  nginx:\n    image: nginx\n    env_file: missing.env\n",
        4,
        "env file {folder}/missing.env not found: stat {folder}/missing.env: no such file or directory",
    ),
    "an unknown dependency": Refusal(
        "services:\n  nginx:\n    image: nginx\n    depends_on: [regisry]\n",
        4,
        'service "nginx" depends on undefined service "regisry": invalid compose project',
    ),
    "a dependency in a word": Refusal(
        "services:\n  nginx:\n    image: nginx\n    depends_on: registry\n",
        4,
        "validating {file}: services.nginx.depends_on must be a array",
    ),
    "services that wait for each other": Refusal(
        "services:\n  a: {image: nginx, depends_on: [b]}\n  b: {image: nginx, depends_on: [a]}\n",
        2,
        "dependency cycle detected: a -> b -> a",
    ),
    "an unknown condition": Refusal(
        "services:\n  a: {image: nginx, depends_on: {b: {condition: foo}}}\n  b: {image: nginx}\n",
        2,
        "validating {file}: services.a.depends_on.b.condition value must be one of 'service_started"
        "', 'service_healthy', 'service_completed_successfully'",
    ),
    "a condition forgotten": Refusal(
        "services:\n  a: {image: nginx, depends_on: {b: {}}}\n  b: {image: nginx}\n",
        2,
        "validating {file}: services.a.depends_on.b missing property 'condition'",
    ),
    "an unknown network": Refusal(
        "services:\n  nginx:\n    image: nginx\n    networks: [net]\n",
        4,
        'service "nginx" refers to undefined network net: invalid compose project',
    ),
    "networks in a word": Refusal(
        "services:\n  nginx:\n    image: nginx\n    networks: net\n",
        4,
        "validating {file}: services.nginx.networks must be a array",
    ),
    "a network twice": Refusal(
        "services:\n  nginx:\n    image: nginx\n    networks: [net, net]\nnetworks: {net: {}}\n",
        4,
        "validating {file}: services.nginx.networks items at 0 and 1 are equal",
    ),
    "networks in a list": Refusal(
        "services:\n  nginx:\n    image: nginx\nnetworks: [net]\n", 4, "validating {file}: networks must be a mapping"
    ),
    "an unknown volume": Refusal(
        "services:\n  nginx:\n    image: nginx\n    volumes: [data:/x]\n",
        4,
        'service "nginx" refers to undefined volume data: invalid compose project',
    ),
    "volumes in a word": Refusal(
        "services:\n  nginx:\n    image: nginx\n    volumes: ./a:/b\n",
        4,
        "validating {file}: services.nginx.volumes must be a array",
    ),
    "a volume without source": Refusal(
        'services:\n  nginx:\n    image: nginx\n    volumes: [":/x"]\n',
        4,
        "invalid spec: :/x: empty section between colons",
    ),
    "a long volume without target": Refusal(
        "services:\n  nginx:\n    image: nginx\n    volumes:\n      - {type: bind, source: ./x}\n",
        5,
        "service volume services.nginx.volumes.[0] is missing a mount target",
    ),
    "a command that is a mapping": Refusal(
        "services:\n  nginx:\n    image: nginx\n    command: {a: b}\n",
        4,
        "validating {file}: services.nginx.command must be a null",
    ),
    "a command with an open quote": Refusal(
        'services:\n  nginx:\n    image: nginx\n    command: "a \'b"\n',
        4,
        "decoding failed due to the following error(s):\n\n'services[nginx].command' invalid command line string",
    ),
    "a container's name too short": Refusal(
        "services:\n  nginx:\n    image: nginx\n    container_name: a\n",
        4,
        "validating {file}: services.nginx.container_name 'a' does not match pattern '[a-zA-Z0-9][a-zA-Z0-9_.-]+'",
    ),
    "a container's name that is a number": Refusal(
        "services:\n  nginx:\n    image: nginx\n    container_name: 3\n",
        4,
        "validating {file}: services.nginx.container_name must be a string",
    ),
    "a version that is a number": Refusal(
        "version: 3\nservices:\n  nginx:\n    image: nginx\n", 1, "validating {file}: version must be a string"
    ),
    "a dollar that begins nothing": Refusal(
        'services:\n  nginx:\n    image: nginx\n    environment:\n      E: "${1x}"\n',
        5,
        "invalid interpolation format for services.nginx.environment.E.\n"
        "You may need to escape any $ with another $.\n"
        "${1x}",
    ),
    "a brace of a variable that is not closed": Refusal(
        'services:\n  nginx:\n    image: "nginx:${TAG"\n',
        3,
        "invalid interpolation format for services.nginx.image.\n"
        "You may need to escape any $ with another $.\n"
        "nginx:${TAG",
    ),
    "a variable that must be set": Refusal(
        'services:\n  nginx:\n    image: nginx\n    environment:\n      X: "${Y:?must be set}"\n',
        5,
        "error while interpolating services.nginx.environment.X: required variable Y is missing a value: must be set",
    ),
}
