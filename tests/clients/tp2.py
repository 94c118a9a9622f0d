"""TP-2 by hand in Docker itself: what a student types, step by step, and a lab in which it is typed."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tests.clients.chapter import PASSWORD, write_files
from tests.clients.engines import Docker
from tests.clients.lab import Lab, link_plugins, running_lab
from tests.tools import require

_CHECKS = "HTPASSWD CERT KEY UP AUTH HTTP BACKEND UPLOAD PUSH SECRETS SIGN LOG PULL"
ALL_PASSED = {f"TP2-{check}": "pass" for check in _CHECKS.split()}
"""The grade of a finished TP-2, check by check."""

PASSWORDS_AND_CERTIFICATES = f"""
cd "$LAB_WORK/tp2"
mkdir -p auth certs "$LAB_WORK/ca"
htpasswd -Bbc auth/htpasswd "$LAB_USER" {PASSWORD}
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=CA of my own" \\
    -keyout "$LAB_WORK/ca/ca.key" -out "$LAB_WORK/ca/ca.crt"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=registry.example.com" \\
    -keyout certs/privkey.pem -out "$LAB_WORK/ca/request.pem"
echo "subjectAltName=DNS:registry.example.com" >"$LAB_WORK/ca/names"
openssl x509 -req -in "$LAB_WORK/ca/request.pem" -CA "$LAB_WORK/ca/ca.crt" -CAkey "$LAB_WORK/ca/ca.key" \\
    -CAcreateserial -days 30 -extfile "$LAB_WORK/ca/names" -out certs/fullchain.pem
mkdir -p "$LAB_CERTS_D/$LAB_REGISTRY"
cp "$LAB_WORK/ca/ca.crt" "$LAB_CERTS_D/$LAB_REGISTRY/"
"""

UP = """
cd "$LAB_WORK/tp2"
docker compose up -d
for words in "listening on" "start worker process"; do
    until docker compose logs | grep -q "$words"; do sleep 0.1; done
done
"""

PUSH = f"""
cd "$LAB_WORK/tp2"
echo {PASSWORD} | docker login "$LAB_REGISTRY" -u "$LAB_USER" --password-stdin
docker build -t "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0" .
docker push "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0"
"""

SIGN = {
    "trixie/cosign": """
cosign generate-key-pair
cosign sign --yes --tlog-upload=false --key cosign.key "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0"
""",
    "sid/cosign": """
cosign generate-key-pair
cosign signing-config create --out "$LAB_WORK/ca/signing-config.json"
cosign trusted-root create --out "$LAB_WORK/ca/root.json"
cosign sign --yes --signing-config "$LAB_WORK/ca/signing-config.json" --trusted-root "$LAB_WORK/ca/root.json" \\
    --key cosign.key "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0"
""",
}
"""By generation of cosign: 2.5 puts a tag beside the image, 3.1 a bundle that refers to it."""

# containerd's image store keeps what a build had: without forgetting that, a pull asks for the tag and fetches nothing.
PULL = """
docker image rm --force $(docker image ls --quiet "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app")
docker builder prune --all --force
docker buildx history rm --all || true
docker pull "$LAB_REGISTRY/$LAB_ORG/$LAB_REPO/app:1.0"
"""

_PORT_BASES = count(20000, 100)
"""Of the labs, inside the namespace."""


@contextmanager
def begun(docker: Docker, folder: Path, cosign: str = "trixie/cosign") -> Iterator[Lab]:
    """TP-2 just begun with Docker's engine; it is taken down at the end.

    Args:
        docker: Docker, with the images that the exercise names.
        folder: The student's home.
        cosign: The one that is there.
    """
    (folder / "bin").mkdir()
    (folder / "bin" / "cosign").symlink_to(require(cosign)[cosign])
    environment = {
        "DOCKER_HOST": docker.environment["DOCKER_HOST"],
        "PATH": f"{folder}/bin:{docker.environment['PATH']}",
        "COSIGN_PASSWORD": "labpass",
    }
    link_plugins(docker.daemon, folder / ".docker")
    with running_lab(docker.namespace, folder, next(_PORT_BASES), "tp2", environment) as lab:
        lab.link_plugins(docker.daemon)
        yield lab


def do(lab: Lab, compose: str, nginx: str, cosign: str = "trixie/cosign") -> None:
    """All four steps, with these texts for files."""
    ca = {"SSL_CERT_FILE": str(lab.home.parent / "work" / "ca" / "ca.crt")}
    lab.shell("a", PASSWORDS_AND_CERTIFICATES)
    write_files(Path(lab.attempt.work), compose, nginx)
    lab.shell("a", f"{UP}{PUSH}{SIGN[cosign]}{PULL}", **ca)
