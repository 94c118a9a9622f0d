"""TP-2's checks: every wrong end state fails the declared checks for the true cause, every unusual right one passes."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from checker import history
from checker.checks.tp2 import CHECKS, target
from checker.facts import (
    NO_JOURNAL,
    PRINTED,
    AccessLog,
    Backend,
    Blob,
    BlobState,
    Certificate,
    ClientConfig,
    Content,
    Door,
    Facts,
    Fault,
    Journal,
    Keys,
    Kind,
    Layers,
    Page,
    PasswordFile,
    Passwords,
    Plain,
    Presence,
    Unavailable,
    Upload,
)
from checker.messages import LANGUAGES, Messages
from checker.model import Status, Verdict
from checker.report import console
from checker.runner import judged
from labs.catalog import model as catalog
from tests.unit.checker.exercise import HERE, ORG, PARAMETERS, START, USER, digest
from tests.unit.checker.private import (
    BASE,
    CHALLENGE,
    CODES,
    COSIGN,
    IMAGE,
    LEAF,
    LET_IN,
    LOGGING,
    NAME,
    NGINX,
    REFUSED,
    REGISTRY,
    SHUT,
    Scene,
    begun,
    doors,
    failed,
    handshake,
    keys,
    make_payload,
    passwords,
    service,
    signature,
    signatures,
    solved,
    stack,
    upload,
    verdicts,
    world,
)

DONE = world(solved())


def certified(leaf: Certificate, **more: object) -> Facts:
    """All is done, and the registry shows another certificate."""
    return replace(DONE, handshake=handshake(leaf, **more))


def down(*services: object, **more: object) -> Facts:
    """Nothing answers: what there is to read of the stack without it."""
    silent = dict.fromkeys(
        ("handshake", "doors", "plain", "backend", "upload", "tags", "content", "layers", "signatures"),
        Unavailable("stack-down"),
    )
    values = silent | {"stack": stack(up=bool(services), services=services)} | more  # type: ignore[arg-type]
    return replace(DONE, **values)  # type: ignore[arg-type]


def absent(presence: Presence = Presence.NOTHING) -> PasswordFile:
    """What nginx looks for, and does not find."""
    return PasswordFile("nginx:/etc/nginx/auth/htpasswd", "nginx", (), presence)


def lying() -> PasswordFile:
    """A good file that nobody reads."""
    return replace(passwords().files[0], reader="nobody")


def unusable(path: str, wanted: str, held: str) -> Keys:
    """A file of the stack that holds something else than it should."""
    return replace(keys(matches=None), unusable={path: (wanted, held)})


def ended(said: str) -> Facts:
    """Nginx has ended, and this is what it said."""
    return down(REGISTRY, service(Kind.NGINX, running=False, said=said))


def mute(**more: object) -> Facts:
    """All of the stack runs, and no TLS comes about."""
    spoken = handshake(version=None, chain=(), trusted=False, fault="wrong version number")
    silent = dict.fromkeys(("doors", "upload", "tags", "content", "layers", "signatures"), Unavailable("not-tls"))
    return replace(DONE, **{**silent, "handshake": spoken, **more})  # type: ignore[arg-type]


def pushed(scene: Scene, root: object = None, **more: object) -> Facts:
    """What happened so far, and what lies under the tag."""
    return world(scene, root, **more)  # type: ignore[arg-type]


def edited(**changes: object) -> Facts:
    """All is done, and line 7, the manifest's push, was changed."""
    scene = solved()
    scene.lines[5] = replace(scene.lines[5], **changes)  # type: ignore[arg-type]
    return world(scene)


def logged(scene: Scene, **changes: object) -> AccessLog:
    """The log of a scene, by a proxy that is configured in another way."""
    return replace(scene.log(), logging=replace(LOGGING, **changes))  # type: ignore[arg-type]


def asked_in_vain() -> Scene:
    """The stack runs, and nginx turned away who came."""
    scene = Scene()
    scene.diary.note(kind="server", detail={"action": "start"})
    return scene.start_attempt().write("GET", "/v2/", 401, user=None)


def forged() -> Scene:
    """A pull written by hand."""
    return solved().write("GET", f"/v2/{HERE}/manifests/1.0", 200, size=500)


REWRITTEN = solved().rewrite()

NGINX_404, NGINX_500 = Door(404, page=Page("nginx/1.25.5")), Door(500, page=Page("nginx/1.25.5"))

NGINX_SAYS = {
    "key mismatch": 'nginx: [emerg] SSL_CTX_use_PrivateKey("/etc/nginx/certs/privkey.pem") failed '
    "(SSL: error:05800074:x509 certificate routines::key values mismatch)",
    "no certificate": 'nginx: [emerg] cannot load certificate "/etc/nginx/certs/fullchain.pem": BIO_new_file() failed '
    "(SSL: error:80000002:system library::No such file or directory)",
    "no upstream": 'nginx: [emerg] host not found in upstream "registri" in /etc/nginx/conf.d/registry.conf:11',
    "port taken": "nginx: [emerg] bind() to 0.0.0.0:443 failed (98: Address already in use)",
    "bad directive": 'nginx: [emerg] unknown directive "proxy_passs" in /etc/nginx/conf.d/registry.conf:11',
}

# By the mutants of the exercise's catalog.
MUTANTS: dict[str, Facts] = {
    "cert-self-signed": certified(
        replace(LEAF, self_signed=True, issuer=LEAF.subject), trusted=False, fault="self-signed certificate"
    ),
    "cert-no-san": certified(replace(LEAF, names=(), common_name=None)),
    "cert-wrong-san": certified(replace(LEAF, names=("other.example.com",))),
    "cert-cn-only": certified(replace(LEAF, names=())),
    "cert-expired": certified(replace(LEAF, not_after=START - timedelta(seconds=1))),
    "cert-not-yet": certified(replace(LEAF, not_before=START + timedelta(hours=1))),
    "key-of-another": down(keys=keys(matches=False)),
    "key-readable": replace(DONE, keys=keys(0o644)),
    "anonymous-read": replace(
        DONE, doors=doors(anonymous=LET_IN, wrong=LET_IN, stranger=LET_IN, anonymous_read=LET_IN)
    ),
    "anonymous-push": replace(DONE, doors=doors(anonymous_push=Door(202, location=f"{BASE}/v2/u/2"))),
    "any-password": replace(DONE, doors=doors(wrong=LET_IN, stranger=LET_IN)),
    "nobody": replace(
        DONE,
        doors=doors(right=SHUT),
        upload=upload(None, None, opened=401),
        **dict.fromkeys(("tags", "content", "layers", "signatures"), Unavailable("grader-refused", {"status": 401})),
    ),
    "htpasswd-md5": replace(DONE, passwords=passwords("apr1")),
    "htpasswd-sha1": replace(DONE, passwords=passwords("sha1")),
    "htpasswd-crypt": replace(DONE, passwords=passwords("crypt")),
    "htpasswd-plain": replace(DONE, passwords=passwords("plain")),
    "backend-open": replace(DONE, backend=Backend({"registry 5000": LET_IN})),
    "location-http": replace(DONE, upload=upload(f"http://{NAME}/v2/u/1", None)),
    "body-limit": replace(DONE, upload=upload(sent=413)),
    "port-lost": replace(DONE, upload=upload(f"{BASE}/v2/u/1", None, asked=f"{BASE}:8443")),
    "http-asks-password": replace(DONE, plain=Plain(SHUT, REFUSED)),
    "not-pushed": pushed(begun()),
    "not-pulled": world(begun().push().sign()),
    "unsigned": replace(DONE, signatures=signatures()),
    "other-key": replace(
        DONE, signatures=signatures(signature(verified=False, step="signature", fault="invalid signature"))
    ),
    "older-digest": world(
        begun().push("c").sign().push("a").pull(), signatures=signatures(earlier=(signature("c"),))
    ),
    "copied": replace(DONE, signatures=signatures(signature(repository=f"{NAME}/{ORG}/engine/other"))),
    "key-in-image": replace(DONE, layers=Layers(5_000_000, ((digest("e"), "app/privkey.pem"),))),
    "log-off": replace(DONE, access_log=AccessLog(kept=False, proxied=True)),
    "log-forged": world(forged()),
}  # fmt: skip

WRONG: dict[str, tuple[Facts, dict[str, str]]] = {
    # step 1
    "no file of passwords": (replace(DONE, passwords=Passwords(())), {"TP2-HTPASSWD": "passwords.none"}),
    "an empty file of passwords": (
        replace(DONE, passwords=Passwords((PasswordFile("auth/htpasswd", "nginx", ()),))),
        {"TP2-HTPASSWD": "passwords.empty"},
    ),
    "another user's password": (
        replace(DONE, passwords=passwords(user="admin")), {"TP2-HTPASSWD": "passwords.other-user"},
    ),
    "a file of passwords that is not mounted": (
        replace(DONE, passwords=Passwords((absent(), lying()))), {"TP2-HTPASSWD": "passwords.not-there"},
    ),
    "no file of passwords, where one is looked for": (
        replace(DONE, passwords=Passwords((absent(),))), {"TP2-HTPASSWD": "passwords.none"},
    ),
    "a folder for the file of passwords": (
        replace(DONE, passwords=Passwords((absent(Presence.FOLDER),))), {"TP2-HTPASSWD": "passwords.folder"},
    ),
    "a scheme that nobody knows": (
        replace(DONE, passwords=passwords("$7$")), {"TP2-HTPASSWD": "passwords.other-scheme"},
    ),
    "no chain": (
        certified(LEAF, chain=()), {"TP2-CERT": "cert.none"},
    ),
    "no CA in certs.d": (
        certified(LEAF, trusted=False, authorities=(), fault="unable to get local issuer certificate"),
        {"TP2-CERT": "cert.no-authority"},
    ),
    "something else for the CA": (
        certified(LEAF, trusted=False, authorities=("ca.crt",), blank=("ca.crt",), fault="unable to get issuer"),
        {"TP2-CERT": "cert.blank-authority"},
    ),
    "a CA that docker takes for half of a pair": (
        certified(LEAF, refusal="missing key ca.key for client certificate ca.cert."),
        {"TP2-CERT": "cert.folder-refused"},
    ),
    "the CA of another lab": (
        certified(LEAF, trusted=False, fault="unable to get local issuer certificate"),
        {"TP2-CERT": "cert.other-authority"},
    ),
    "the CA of another lab, with its chain": (
        replace(DONE, handshake=handshake(chain=(LEAF, replace(LEAF, subject="CN=Their CA")), trusted=False)),
        {"TP2-CERT": "cert.other-authority"},
    ),
    "TLS of the last century": (certified(LEAF, old_versions=("TLSv1", "TLSv1.1")), {"TP2-CERT": "cert.old-tls"}),
    "only TLS of the last century": (certified(LEAF, version="TLSv1.1"), {"TP2-CERT": "cert.old-tls"}),
    "an expired intermediate": (
        replace(DONE, handshake=handshake(chain=(LEAF, replace(LEAF, not_after=START - timedelta(days=1))))),
        {"TP2-CERT": "cert.expired"},
    ),
    "an empty certificate": (
        replace(DONE, keys=unusable("fullchain.pem", "certificate", "nothing")), {"TP2-KEY": "key.no-certificate"},
    ),
    "certificate and key swapped": (
        replace(DONE, keys=unusable("privkey.pem", "key", "certificate")), {"TP2-KEY": "key.no-key"},
    ),
    "no key": (replace(DONE, keys=Keys(())), {"TP2-KEY": "key.none"}),
    "a signing key for everybody": (replace(DONE, keys=keys(cosign=0o640)), {"TP2-KEY": "key.readable"}),
    # step 2: up
    "nothing brought up": (down(), {"TP2-UP": "up.nothing"}),
    "taken down": (
        down(service(Kind.NGINX, running=False), stack=stack(service(Kind.NGINX, running=False), up=False)),
        {"TP2-UP": "up.down"},
    ),
    "refused for nginx's reason": (
        down(stack=replace(stack(up=False), refusal=(NGINX_SAYS["key mismatch"],))),
        {"TP2-UP": "up.key-mismatch"},
    ),
    "refused for a reason of compose": (
        down(stack=replace(stack(up=False), refusal=("compose.yaml:3: services.nginx.imge is unknown",))),
        {"TP2-UP": "up.refused"},
    ),
    "key of another certificate, as nginx says": (ended(NGINX_SAYS["key mismatch"]), {"TP2-UP": "up.key-mismatch"}),
    "certificate missing": (ended(NGINX_SAYS["no certificate"]), {"TP2-UP": "up.no-certificate"}),
    "upstream misspelled": (ended(NGINX_SAYS["no upstream"]), {"TP2-UP": "up.no-upstream"}),
    "port taken": (ended(NGINX_SAYS["port taken"]), {"TP2-UP": "up.port-taken"}),
    "directive misspelled": (ended(NGINX_SAYS["bad directive"]), {"TP2-UP": "up.bad-directive"}),
    "ended for a reason of its own": (ended("killed"), {"TP2-UP": "up.ended"}),
    "another port": (
        mute(stack=stack(REGISTRY, service(Kind.NGINX, {9443: 9443}))), {"TP2-UP": "up.other-port"},
    ),
    "plain HTTP on the TLS port": (
        mute(plain=Plain(REFUSED, Door(401, CHALLENGE))), {"TP2-UP": "up.plain-http"},
    ),
    "no TLS, whatever it is": (mute(plain=Plain(REFUSED, REFUSED)), {"TP2-UP": "up.no-tls"}),
    "a proxy without its registry": (
        replace(DONE, doors=doors(anonymous=Door(502)),
                **dict.fromkeys(("upload", "tags", "content", "layers", "signatures"), Unavailable("server-error"))),
        {"TP2-UP": "up.bad-gateway"},
    ),
    "a proxy that asks for passwords, without its registry": (
        replace(DONE, doors=doors(right=Door(502)), upload=upload(None, None, opened=502),
                stack=stack(service(Kind.REGISTRY, running=False, said="configuration error"), NGINX),
                **dict.fromkeys(("tags", "content", "layers", "signatures"), Unavailable("server-error"))),
        {"TP2-UP": "up.ended"},
    ),
    "the registry has ended, and nobody is logged in": (
        replace(DONE, doors=doors(user=None, right=None),
                stack=stack(service(Kind.REGISTRY, running=False, said="configuration error"), NGINX),
                **dict.fromkeys(("upload", "tags", "content", "layers", "signatures"), Unavailable("login-needed"))),
        {"TP2-UP": "up.ended"},
    ),
    "a web page": (
        replace(DONE, doors=doors(anonymous=Door(404)),
                **dict.fromkeys(("upload", "tags", "content", "layers", "signatures"), Unavailable("not-a-registry"))),
        {"TP2-UP": "up.no-registry"},
    ),
    "a page in the registry's place": (
        replace(DONE, doors=doors(anonymous=Door(200, page=Page())),
                **dict.fromkeys(("upload", "tags", "content", "layers", "signatures"), Unavailable("garbage"))),
        {"TP2-UP": "up.no-registry"},
    ),
    "/v2/ alone is passed on": (
        replace(DONE, doors=doors(anonymous_read=NGINX_404, anonymous_push=NGINX_404, inside=NGINX_404),
                upload=Upload(BASE, 5_000_001, NGINX_404, None),
                **dict.fromkeys(("tags", "content", "layers", "signatures"), Unavailable("garbage"))),
        {"TP2-UP": "up.not-passed-on"},
    ),
    "/v2/ alone is passed on, and nobody is logged in": (
        replace(DONE, doors=doors(user=None, right=None, anonymous_read=NGINX_404, anonymous_push=NGINX_404),
                passwords=Passwords(()),
                **dict.fromkeys(("upload", "tags", "content", "layers", "signatures"), Unavailable("login-needed"))),
        {"TP2-HTPASSWD": "passwords.none", "TP2-UP": "up.not-passed-on"},
    ),
    "paths are changed on the way": (
        replace(DONE, doors=doors(inside=Door(404, page=Page("nginx/1.25.5", of_registry=True))),
                upload=Upload(BASE, 5_000_001, Door(404, page=Page("nginx/1.25.5", of_registry=True)), None),
                **dict.fromkeys(("tags", "content", "layers", "signatures"), Unavailable("garbage"))),
        {"TP2-UP": "up.path-changed"},
    ),
    "old TLS alone, by what the server takes": (
        mute(handshake=handshake(version=None, chain=(), trusted=False, fault="x", old_versions=("TLSv1.1",))),
        {"TP2-UP": "up.old-tls"},
    ),
    "old TLS alone, by the server's alert": (
        mute(handshake=handshake(version=None, chain=(), trusted=False, fault="TLSV1_ALERT_PROTOCOL_VERSION")),
        {"TP2-UP": "up.old-tls"},
    ),
    # step 2: doors
    "nobody is asked": (
        replace(DONE, doors=doors(**dict.fromkeys(
            ("anonymous", "wrong", "stranger", "anonymous_read", "anonymous_push"), LET_IN))),
        {"TP2-AUTH": "auth.none"},
    ),
    "anonymous read of what is not there": (
        replace(DONE, doors=doors(anonymous_read=Door(404))), {"TP2-AUTH": "auth.anonymous-read"},
    ),
    "/v2/ alone stands open": (replace(DONE, doors=doors(anonymous=LET_IN)), {"TP2-AUTH": "auth.base-open"}),
    "no challenge": (replace(DONE, doors=doors(anonymous=Door(401))), {"TP2-AUTH": "auth.no-challenge"}),
    "forbidden, not asked": (replace(DONE, doors=doors(anonymous=Door(403))), {"TP2-AUTH": "auth.not-asked"}),
    "a layer for everybody": (
        replace(DONE, doors=doors(anonymous_further={"anonymous-tags": SHUT, "anonymous-blob": LET_IN})),
        {"TP2-AUTH": "auth.side-door"},
    ),
    "manifests that everybody may delete, if there were any": (
        replace(DONE, doors=doors(anonymous_further={"anonymous-delete": Door(404)})), {"TP2-AUTH": "auth.side-door"},
    ),
    "all may write, and to the one door that asks nobody else": (
        replace(DONE, doors=doors(anonymous_push=LET_IN, anonymous_further={"anonymous-put": Door(400)})),
        {"TP2-AUTH": "auth.anonymous-push"},
    ),
    "another name lets everybody in": (replace(DONE, doors=doors(other_name=LET_IN)), {"TP2-AUTH": "auth.other-name"}),
    "a wrong password tells that its file is missing": (
        replace(DONE, doors=doors(user=None, right=None, wrong=Door(403), stranger=Door(403)),
                **dict.fromkeys(("upload", "tags", "content", "layers", "signatures"), Unavailable("login-needed"))),
        {"TP2-AUTH": "auth.no-password-file"},
    ),
    "a wrong password tells that its file is a folder": (
        replace(DONE, doors=doors(user=None, right=None, wrong=NGINX_500, stranger=NGINX_500),
                **dict.fromkeys(("upload", "tags", "content", "layers", "signatures"), Unavailable("login-needed"))),
        {"TP2-AUTH": "auth.password-file-unreadable"},
    ),
    "not logged in": (
        replace(DONE, doors=doors(user=None, right=None),
                **dict.fromkeys(("upload", "tags", "content", "layers", "signatures"), Unavailable("login-needed"))),
        {"TP2-AUTH": "auth.not-logged-in"},
    ),
    "logged in as another": (replace(DONE, doors=doors(user="admin")), {"TP2-AUTH": "auth.other-user"}),
    "MD5 where the registry reads it": (
        replace(DONE, doors=doors(right=SHUT), passwords=passwords("apr1", "registry")),
        {"TP2-HTPASSWD": "passwords.md5"},
    ),
    "an unknown user where nginx reads": (
        replace(DONE, doors=doors(right=SHUT), passwords=passwords(user="admin")),
        {"TP2-HTPASSWD": "passwords.other-user"},
    ),
    "no file where nginx looks": (
        replace(DONE, doors=doors(right=Door(403)), passwords=Passwords(())),
        {"TP2-HTPASSWD": "passwords.none"},
    ),
    "a file that nginx may not open": (
        replace(DONE, doors=doors(right=Door(500))), {"TP2-AUTH": "auth.password-file-unreadable"},
    ),
    "refused for a reason of its own": (replace(DONE, doors=doors(right=Door(429))), {"TP2-AUTH": "auth.refused"}),
    "plain HTTP is a registry": (replace(DONE, plain=Plain(LET_IN, REFUSED)), {"TP2-HTTP": "http.open"}),
    "plain HTTP leads to plain HTTP": (
        replace(DONE, plain=Plain(Door(302, location=f"http://{NAME}/"), REFUSED)),
        {"TP2-HTTP": "http.redirects-elsewhere"},
    ),
    "plain HTTP leads to somebody else": (
        replace(DONE, plain=Plain(Door(301, location="https://example.org/v2/"), REFUSED)),
        {"TP2-HTTP": "http.redirects-elsewhere"},
    ),
    "plain HTTP on the TLS port as well": (
        replace(DONE, plain=Plain(REFUSED, SHUT)), {"TP2-HTTP": "http.on-tls-port"},
    ),
    "another host in the Location": (
        replace(DONE, upload=upload("https://registry:5000/v2/u/1", None)), {"TP2-UPLOAD": "upload.host-changed"},
    ),
    "no Location": (replace(DONE, upload=upload(None, None)), {"TP2-UPLOAD": "upload.no-location"}),
    "an upload that is not passed on": (
        replace(DONE, upload=Upload(BASE, 5_000_001, NGINX_404, None)), {"TP2-UPLOAD": "upload.not-passed-on"},
    ),
    "more than another proxy takes": (
        replace(DONE, upload=Upload(BASE, 5_000_001, Door(202, location="/v2/u/1"), Door(413, page=Page("Caddy")))),
        {"TP2-UPLOAD": "upload.over-limit"},
    ),
    "an upload refused": (replace(DONE, upload=upload(sent=504)), {"TP2-UPLOAD": "upload.refused"}),
    # step 3
    "a tag that nobody was seen to push": (pushed(begun(), IMAGE), {"TP2-PUSH": "push.unseen"}),
    "too large for the proxy": (
        pushed(begun().ask("POST", f"/v2/{HERE}/blobs/uploads/", 202, endpoint="end-4", repository=HERE)
               .write("PATCH", f"/v2/{HERE}/blobs/uploads/u1", 413, size=176)),
        {"TP2-PUSH": "push.too-large"},
    ),
    "too large for the registry": (
        pushed(begun().ask("PUT", f"/v2/{HERE}/manifests/1.0", 413, endpoint="end-7", repository=HERE)),
        {"TP2-PUSH": "push.too-large"},
    ),
    "refused by the proxy": (
        pushed(begun().write("POST", f"/v2/{HERE}/blobs/uploads/", 403)), {"TP2-PUSH": "push.denied"},
    ),
    "no room where the proxy keeps what comes": (
        pushed(begun().ask("POST", f"/v2/{HERE}/blobs/uploads/", 202, endpoint="end-4", repository=HERE)
               .write("PATCH", f"/v2/{HERE}/blobs/uploads/u1", 500, size=177)),
        {"TP2-PUSH": "push.denied"},
    ),
    "no room in the registry": (
        pushed(begun().ask("PATCH", f"/v2/{HERE}/blobs/uploads/u1", 500, endpoint="end-5", repository=HERE)),
        {"TP2-PUSH": "push.refused"},
    ),
    "pushed without a login": (
        pushed(begun().write("POST", f"/v2/{HERE}/blobs/uploads/", 401, user=None)), {"TP2-PUSH": "push.anonymous"},
    ),
    "an upper-case name": (
        pushed(begun().ask("POST", "/v2/Lovelace/engine/app/blobs/uploads/", 400, error_code="NAME_INVALID")),
        {"TP2-PUSH": "push.upper-case"},
    ),
    "refused by the registry": (
        pushed(begun().ask("POST", f"/v2/{HERE}/blobs/uploads/", 405, endpoint="end-4", repository=HERE)),
        {"TP2-PUSH": "push.refused"},
    ),
    "interrupted": (
        pushed(begun().ask("POST", f"/v2/{HERE}/blobs/uploads/", 202, endpoint="end-4", repository=HERE)),
        {"TP2-PUSH": "push.unfinished"},
    ),
    "another tag": (pushed(begun().push(tag="v1.0")), {"TP2-PUSH": "push.other-tag"}),
    "latest only": (pushed(begun().push(tag="latest")), {"TP2-PUSH": "push.only-latest"}),
    "another repository": (pushed(begun().push(repository=f"{ORG}/engine/ap")), {"TP2-PUSH": "push.other-repository"}),
    "pushed by another": (pushed(begun().push(user="eve"), IMAGE), {"TP2-PUSH": "push.another-account"}),
    "moved by another": (
        pushed(begun().push("c").push("a", user="eve").sign().pull(), IMAGE), {"TP2-PUSH": "push.moved-by-another"},
    ),
    "deleted": (pushed(begun().push()), {"TP2-PUSH": "push.tag-deleted"}),
    "pushed before the start": (
        pushed(begun().push().start_attempt().log_in(), IMAGE),
        {"TP2-PUSH": "push.too-early"},
    ),
    "without its payload": (pushed(solved(), make_payload(size=500_000)), {"TP2-PUSH": "push.small-layer"}),
    "without the nonce": (pushed(solved(), make_payload(labels={})), {"TP2-PUSH": "build.nonce-absent"}),
    "with another's nonce": (
        pushed(solved(), make_payload(labels={"lab.registry.nonce": "theirs"})), {"TP2-PUSH": "build.nonce-differs"},
    ),
    "an artifact": (pushed(solved(), replace(IMAGE, labels=None)), {"TP2-PUSH": "build.no-config"}),
    "a child missing": (
        pushed(solved(), replace(IMAGE, children=(make_payload("b"),), missing=(digest("9"),), blobs=())),
        {"TP2-PUSH": "blobs.child-missing"},
    ),
    "a layer missing": (
        pushed(solved(), replace(IMAGE, blobs=(*IMAGE.blobs, Blob(digest("8"), 9, "layer", BlobState.MISSING)))),
        {"TP2-PUSH": "blobs.missing"},
    ),
    "a layer of another size": (
        pushed(solved(), replace(IMAGE, blobs=(*IMAGE.blobs, Blob(digest("8"), 9, "layer", BlobState.WRONG_SIZE)))),
        {"TP2-PUSH": "blobs.wrong-size"},
    ),
    "a layer deleted": (
        pushed(solved().ask("DELETE", f"/v2/{HERE}/blobs/{digest('8')}", 202, endpoint="end-10", digest=digest("8")),
               replace(IMAGE, blobs=(*IMAGE.blobs, Blob(digest("8"), 9, "layer", BlobState.MISSING)))),
        {"TP2-PUSH": "blobs.deleted"},
    ),
    "attestations only": (
        pushed(solved(), replace(IMAGE, children=(replace(make_payload("b"), attestation=True),))),
        {"TP2-PUSH": "build.no-platform"},
    ),
    "no public key": (replace(DONE, signatures=signatures(signature(), key=None)), {"TP2-SIGN": "sign.no-key"}),
    "another key of the folder": (
        replace(DONE, signatures=signatures(signature(verified=False), verified_by=("old.pub",))),
        {"TP2-SIGN": "sign.other-key"},
    ),
    "a copied signature of another image": (
        replace(DONE, signatures=signatures(signature(verified=False, signed=digest("c"), step="digest"))),
        {"TP2-SIGN": "sign.copied"},
    ),
    "a damaged signature": (
        replace(DONE, signatures=signatures(signature(verified=False, signed=None, step="shape", fault="not JSON"))),
        {"TP2-SIGN": "sign.broken"},
    ),
    # step 4
    "the log emptied": (
        replace(
            DONE,
            access_log=AccessLog(
                kept=True, proxied=True, path="access.log", logging=LOGGING, begins_at=START + timedelta(hours=1)
            ),
        ),
        {"TP2-LOG": "log.missing"},
    ),
    "nothing asked yet": (
        world(asked_in_vain(), None), {"TP2-PUSH": "push.never-tried", "TP2-LOG": "log.nothing"},
    ),
    "Caddy keeps no log": (
        replace(DONE, access_log=AccessLog(kept=False, proxied=True, keeper=Kind.CADDY)), {"TP2-LOG": "log.caddy-off"},
    ),
    "Traefik keeps no log": (
        replace(DONE, access_log=AccessLog(kept=False, proxied=True, keeper=Kind.TRAEFIK)),
        {"TP2-LOG": "log.traefik-off"},
    ),
    "a status changed": (edited(status=200), {"TP2-LOG": "log.status-differs"}),
    "a size changed": (edited(size=77), {"TP2-LOG": "log.size-differs"}),
    "a user changed": (edited(user="eve"), {"TP2-LOG": "log.user-differs"}),
    "a client changed": (edited(user_agent="docker/1"), {"TP2-LOG": "log.agent-differs"}),
    "a time changed": (edited(at=START + timedelta(hours=1)), {"TP2-LOG": "log.time-differs"}),
    "a path changed": (edited(path=f"/v2/{HERE}/manifests/2.0"), {"TP2-LOG": "log.forged-line"}),
    "a path behind the host": (
        world(begun().push().sign().pull().rewrite(), access_log=logged(REWRITTEN, rewrites=True, plain=False)),
        {"TP2-LOG": "log.rewritten"},
    ),
    "past the proxy": (world(begun().slip_past().push().sign().pull()), {"TP2-LOG": "log.bypassed"}),
    "past the proxy, at last": (
        world(solved().slip_past(), backend=Backend({"registry 5000": LET_IN})),
        {"TP2-BACKEND": "backend.open"},
    ),
    "past the proxy, without a buffer": (world(solved().slip_past()), {"TP2-LOG": "log.bypassed"}),
    "all kept in a buffer": (
        replace(DONE, access_log=replace(logged(solved(), buffers=True), lines=())), {"TP2-LOG": "log.buffered"},
    ),
    "kept in a buffer": (
        world(solved().slip_past(), access_log=logged(solved(), buffers=True)), {"TP2-LOG": "log.buffered"},
    ),
    "no proxy, and nobody known": (
        world(Scene(proxied=False).start_attempt().push(user=None).pull(user=None)),
        {"TP2-LOG": "log.nothing", "TP2-PULL": "pull.anonymous"},
    ),
    "only looked at": (world(begun().push().look(agent="crane/0.20.2")), {"TP2-PULL": "pull.head-only"}),
    "looked at by another": (world(begun().push().look(user="eve")), {"TP2-PULL": "pull.head-only"}),
    "looked at, and another image there": (
        world(begun().push("c").look("c").push("a").sign().look("c")), {"TP2-PULL": "pull.head-only"},
    ),
    "all of it still there": (world(begun().push().look()), {"TP2-PULL": "pull.still-here"}),
    "all of it still there, after a first pull that was refused": (
        world(begun().push().get(status=500).look()), {"TP2-PULL": "pull.still-here"},
    ),
    "pulled before the push": (world(begun().get().push().sign()), {"TP2-PULL": "pull.before-push"}),
    "pulled by another": (world(begun().push().pull(user="eve")), {"TP2-PULL": "pull.another-account"}),
    "pulled by nobody": (world(begun().push().pull(user=None)), {"TP2-PULL": "pull.anonymous"}),
    "pulled, then moved": (world(begun().push("c").pull("c").push("a").sign()), {"TP2-PULL": "pull.moved-after"}),
    "another image pulled": (world(begun().push().put("c", "0.9").get("c")), {"TP2-PULL": "pull.other-image"}),
    "pull refused": (
        world(begun().push().get(status=500, error_code="UNKNOWN")), {"TP2-PULL": "pull.refused"},
    ),
}  # fmt: skip

INTERMEDIATE = replace(LEAF, subject="CN=My intermediate CA", issuer="CN=My CA", names=())
NAMELESS = begun().push(user=None).sign().pull(user=None)
UNROUTED = replace(DONE.access_log.lines[-1], method="GET", path="/v2/", status=404, size=19, user=None, asked=False)
RIGHT: dict[str, Facts] = {
    "the solution": DONE,
    "no proxy: the registry's own TLS and htpasswd": world(
        solved(proxied=False),
        stack=stack(service(Kind.REGISTRY, {443: 8443})),
        passwords=passwords(reader="registry"),
        plain=Plain(REFUSED, Door(400)),
    ),
    "Caddy": world(solved(), stack=stack(REGISTRY, service(Kind.CADDY, {443: 8443}))),
    "Traefik, called by a name that it does not know": world(
        solved(), access_log=replace(DONE.access_log, lines=(*DONE.access_log.lines, UNROUTED))
    ),
    "a name by address": certified(replace(LEAF, names=("127.0.0.1", "::1")), name="127.0.0.1"),
    "a name by address, written long": certified(replace(LEAF, names=("::1",)), name="0:0:0:0:0:0:0:1"),
    "a wildcard": certified(replace(LEAF, names=("*.example.com",))),
    "capitals in a name": certified(replace(LEAF, names=("Registry.Example.COM",))),
    "RSA": certified(replace(LEAF, key="RSA 2048")),
    "a chain with an intermediate": replace(DONE, handshake=handshake(chain=(LEAF, INTERMEDIATE))),
    "self-signed, and trusted for it": certified(replace(LEAF, self_signed=True)),
    "a CA that the system trusts": certified(LEAF, authorities=()),
    "another service of the stack has ended": replace(
        DONE, stack=stack(REGISTRY, NGINX, service(Kind.OTHER, running=False))
    ),
    "a relative Location": replace(DONE, upload=upload("/v2/u/1")),
    "the port said though it is the usual one": replace(DONE, upload=upload(f"{BASE}:443/v2/u/1")),
    "another port, kept": replace(DONE, upload=upload(f"{BASE}:8443/v2/u/1", asked=f"{BASE}:8443")),
    "port 80 closed": replace(DONE, plain=Plain(REFUSED, Door(400))),
    "port 80 knows of nothing": replace(DONE, plain=Plain(Door(404), Door(None, fault=Fault.CLOSED))),
    "another port that asks": replace(DONE, backend=Backend({"registry 5000": SHUT, "ui 8081": Door(404)})),
    "a token service": replace(DONE, doors=doors(anonymous=Door(401, f'Bearer realm="{BASE}/token"'))),
    "no signing key any more": replace(DONE, keys=keys(cosign=None)),
    "cosign 3, by referrers": replace(DONE, signatures=signatures(signature(form="bundle", repository=None))),
    "signed by the name of another port": replace(
        DONE, signatures=signatures(signature(repository=f"localhost:8443/{HERE}"))
    ),
    "a foreign signature beside the right one": replace(
        DONE, signatures=signatures(signature(verified=False, step="signature"), signature())
    ),
    "signed, pushed anew, signed again": world(
        begun().push("c").sign().push("a").sign().pull(), signatures=signatures(signature(), earlier=(signature("c"),))
    ),
    "a proxy that keeps names to itself": world(
        NAMELESS, access_log=replace(NAMELESS.log(), lines=tuple(replace(line, user=USER) for line in NAMELESS.lines))
    ),
    "refused first, then right": world(
        begun().write("PATCH", f"/v2/{HERE}/blobs/uploads/u0", 413, size=176).push().sign().pull()
    ),
    "pushed again after the pull": world(solved().push()),
    "pulled by digest": world(begun().push().sign().ask(
        "GET", f"/v2/{HERE}/manifests/{IMAGE.digest}", 200, endpoint="end-3", repository=HERE,
        reference=IMAGE.digest, digest=IMAGE.digest, bytes_out=500,
    )),
    "an index": world(solved(), replace(IMAGE, blobs=(), children=(make_payload("b"),))),
    "a second file of passwords that nobody reads": replace(
        DONE, passwords=Passwords((*passwords().files, *passwords("apr1", "nobody").files))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_kills_what_the_catalog_says_and_no_other(name: str) -> None:
    """Its checks FAIL for its cause; all others pass, or are blocked."""
    mutant = catalog.load("tp2").mutant(name)
    found = verdicts(MUTANTS[name])
    assert failed(found) == {mutant.kills[0]: mutant.cause}
    assert Status.INCONCLUSIVE not in {verdict.status for verdict in found.values()}


def test_every_mutant_has_a_row() -> None:
    """One that is added to the catalog is to be thought through here."""
    assert {mutant.name for mutant in catalog.load("tp2").mutants} == set(MUTANTS)


@pytest.mark.parametrize("state", WRONG)
def test_a_wrong_end_state_fails_its_checks_and_no_other_for_its_true_cause(state: str) -> None:
    """The declared checks FAIL, nothing else does, and the first cause is the true one."""
    facts, expected = WRONG[state]
    found = verdicts(facts)
    assert failed(found) == expected
    assert Status.INCONCLUSIVE not in {verdict.status for verdict in found.values()}


@pytest.mark.parametrize("state", RIGHT)
def test_an_unusual_right_state_passes(state: str) -> None:
    """Every check passes, each with evidence."""
    found = verdicts(RIGHT[state])
    assert {code: [c.id for c in v.finding.causes] for code, v in found.items() if v.status is not Status.PASS} == {}
    assert all(verdict.finding.evidence for verdict in found.values())


ALL_WRONG = {**MUTANTS, **{state: facts for state, (facts, _) in WRONG.items()}}


@pytest.mark.parametrize("state", ALL_WRONG)
def test_causes_are_declared_and_can_be_told(state: str) -> None:
    """A check names no cause that its table does not have, and each brings the parameters that its text needs."""
    for check in CHECKS:
        finding = judged(check, ALL_WRONG[state])
        if finding.status is Status.INCONCLUSIVE:
            continue
        assert {cause.id for cause in finding.causes} <= set(check.causes)
        for spoken in LANGUAGES:
            messages = Messages(spoken, {**PARAMETERS, "tp": "tp2"})
            assert check.code in console.verdict_block(Verdict(check, finding), messages)


def test_every_cause_but_those_behind_others_is_first_somewhere() -> None:
    """Each declared cause is the likeliest of some state here, or one that only stands beside another."""
    findings = (judged(check, facts) for facts in ALL_WRONG.values() for check in CHECKS)
    first = {finding.causes[0].id for finding in findings if finding.status is Status.FAIL}
    declared = {cause for check in CHECKS for cause in check.causes}
    assert declared - first == {"cert.incomplete-chain", "push.absent"}


LIMITED, LOST = upload(sent=413), upload(f"{BASE}/v2/u/1", None, asked=f"{BASE}:8443")
NOT_LOGGED_IN = {
    "doors": doors(user=None, right=None),
    **dict.fromkeys(("upload", "tags", "content", "layers", "signatures"), Unavailable("login-needed")),
}
UNTRUSTED = handshake(trusted=False, authorities=(), fault="unable to get local issuer certificate")


def cut_short() -> Scene:
    """A push began, and its bytes never came."""
    return begun().ask("POST", f"/v2/{HERE}/blobs/uploads/", 202, endpoint="end-4", repository=HERE)


def unsaid(scene: Scene) -> Journal:
    """The journal as registry:2's own words make it: who asked is not in it."""
    journal = scene.diary.journal()
    return replace(journal, events=tuple(replace(each, detail={"source": PRINTED}) for each in journal.events))


# By what happened: the one fault that is told, and what waits for it.
ONE_FAULT: dict[str, tuple[Facts, str, set[str]]] = {
    "a push that met the proxy's limit": (
        pushed(cut_short().write("PATCH", f"/v2/{HERE}/blobs/uploads/u1", 413, size=176), upload=LIMITED),
        "TP2-UPLOAD", {"TP2-PUSH", "TP2-SIGN", "TP2-PULL"},
    ),
    "a push that was sent to another port": (
        pushed(cut_short(), upload=LOST), "TP2-UPLOAD", {"TP2-PUSH", "TP2-SIGN", "TP2-PULL"},
    ),
    "a port that is lost, though the push went another way": (
        replace(DONE, upload=LOST), "TP2-UPLOAD", set(),
    ),
    "a CA that Docker does not trust, and so no login": (
        world(asked_in_vain(), None, handshake=UNTRUSTED, **NOT_LOGGED_IN),
        "TP2-CERT", {"TP2-AUTH", "TP2-UPLOAD", "TP2-PUSH", "TP2-SECRETS", "TP2-SIGN", "TP2-LOG", "TP2-PULL"},
    ),
    "no login, and so no request": (
        world(asked_in_vain(), None, **NOT_LOGGED_IN),
        "TP2-AUTH", {"TP2-UPLOAD", "TP2-PUSH", "TP2-SECRETS", "TP2-SIGN", "TP2-LOG", "TP2-PULL"},
    ),
    "a login as somebody else, and a push and a pull by that name": (
        world(begun().push(user="admin").pull(user="admin"), doors=doors(user="admin")),
        "TP2-AUTH", {"TP2-PUSH", "TP2-PULL"},
    ),
    "anyone may read, and somebody did": (
        world(begun().push().sign().pull(user=None), doors=MUTANTS["anonymous-read"].doors), "TP2-AUTH", {"TP2-PULL"},
    ),
    "a way around the proxy that a pull has taken": (
        world(begun().push().sign().bypass("GET", f"/v2/{HERE}/manifests/1.0", 200, user=None, endpoint="end-3",
              repository=HERE, reference="1.0", digest=digest("a")), backend=MUTANTS["backend-open"].backend),
        "TP2-BACKEND", {"TP2-LOG", "TP2-PULL"},
    ),
    "neither certificate nor key": (
        down(REGISTRY, service(Kind.NGINX, running=False, said=NGINX_SAYS["no certificate"]), keys=Keys(())),
        "TP2-KEY", set(CODES) - {"TP2-HTPASSWD", "TP2-KEY", "TP2-LOG"},
    ),
    "a log that is off, where the registry prints no names": (
        replace(DONE, journal=unsaid(solved()), access_log=AccessLog(kept=False, proxied=True)),
        "TP2-LOG", {"TP2-PULL"},
    ),
}  # fmt: skip

# Two faults are two red lines, each for its own cause.
TWO_FAULTS: dict[str, tuple[Facts, dict[str, str]]] = {
    "a limit, and an image without its payload": (
        world(solved(), make_payload(size=500_000), upload=LIMITED),
        {"TP2-UPLOAD": "upload.too-large", "TP2-PUSH": "push.small-layer"},
    ),
    "a limit that a push met, and a log that is off": (
        pushed(cut_short(), upload=LIMITED, access_log=AccessLog(kept=False, proxied=True)),
        {"TP2-UPLOAD": "upload.too-large", "TP2-LOG": "log.off"},
    ),
    "a limit, and a push under another tag": (
        pushed(begun().push(tag="v1.0"), upload=LIMITED),
        {"TP2-UPLOAD": "upload.too-large", "TP2-PUSH": "push.other-tag"},
    ),
    "a limit behind a door that anyone may read through": (
        replace(DONE, upload=LIMITED, doors=MUTANTS["anonymous-read"].doors),
        {"TP2-AUTH": "auth.anonymous-read", "TP2-UPLOAD": "upload.too-large"},
    ),
    "weak passwords, and none asked for": (
        replace(DONE, passwords=passwords("apr1"), doors=doors(anonymous_read=LET_IN, anonymous_push=LET_IN)),
        {"TP2-HTPASSWD": "passwords.md5", "TP2-AUTH": "auth.none"},
    ),
    "a key in an image of somebody else": (
        world(solved(), make_payload(labels={}), layers=MUTANTS["key-in-image"].layers),
        {"TP2-PUSH": "build.nonce-absent", "TP2-SECRETS": "secrets.private-key"},
    ),
    "a log that is off, and no pull": (
        world(begun().push().sign(), access_log=AccessLog(kept=False, proxied=True)),
        {"TP2-LOG": "log.off", "TP2-PULL": "pull.never"},
    ),
    "a line by hand behind an open door": (
        replace(world(forged()), doors=doors(anonymous_push=LET_IN)),
        {"TP2-AUTH": "auth.anonymous-push", "TP2-LOG": "log.forged-line"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("state", ONE_FAULT)
def test_one_fault_is_one_red_line(state: str) -> None:
    """What went wrong because of it waits for it, by name; all else passes."""
    facts, fault, waiting = ONE_FAULT[state]
    found = verdicts(facts)
    assert set(failed(found)) == {fault}
    assert {code: v.blocked_by for code, v in found.items() if v.status is Status.BLOCKED} == dict.fromkeys(
        waiting, (fault,)
    )
    assert Status.INCONCLUSIVE not in {verdict.status for verdict in found.values()}


@pytest.mark.parametrize("state", TWO_FAULTS)
def test_two_faults_are_two_red_lines(state: str) -> None:
    """A failure that the one before does not explain hides behind nothing."""
    facts, expected = TWO_FAULTS[state]
    assert failed(verdicts(facts)) == expected


def statuses(facts: Facts) -> dict[str, Status]:
    """Verdicts by code."""
    return {code: verdict.status for code, verdict in verdicts(facts).items()}


def test_a_stack_that_is_down_is_one_red_line() -> None:
    """Nothing answers: step 2 begins with one failure, all that rests on it waits, what lies in files is judged."""
    found = verdicts(down())
    assert [code for code, verdict in found.items() if verdict.status is Status.FAIL] == ["TP2-UP"]
    blocked = {code: verdict.blocked_by for code, verdict in found.items() if verdict.status is Status.BLOCKED}
    assert set(blocked.values()) == {("TP2-UP",)}
    assert set(CODES) - set(blocked) == {"TP2-UP", "TP2-HTPASSWD", "TP2-KEY", "TP2-LOG"}


def test_a_stack_that_was_built_some_other_way_is_graded_by_what_it_answers() -> None:
    """By its address alone: doors, TLS, upload, image and signature are judged; what happened is not."""
    unseen = Unavailable("stack-unseen", {"url": BASE})
    facts = replace(
        DONE,
        journal=NO_JOURNAL,
        stack=stack(source="url", project=None, services=()),
        passwords=Passwords(()),
        keys=Keys(()),
        backend=unseen,
        access_log=unseen,
    )
    found = statuses(facts)
    unknown = {"TP2-HTPASSWD", "TP2-KEY", "TP2-BACKEND", "TP2-PUSH", "TP2-LOG", "TP2-PULL"}
    assert {code for code, status in found.items() if status is Status.INCONCLUSIVE} == unknown
    assert {found[code] for code in set(CODES) - unknown} == {Status.PASS}


def test_without_a_journal_an_absent_tag_is_one_failure() -> None:
    """There is no need to know what happened to see that nothing is there."""
    assert failed(verdicts(world(begun(), None, journal=NO_JOURNAL))) == {"TP2-PUSH": "push.absent"}


def test_without_a_journal_another_image_is_one_failure() -> None:
    """It can be seen to be wrong; a right one is nobody's as long as nobody knows who pushed it."""
    theirs = make_payload(labels={"lab.registry.nonce": "theirs"})
    assert failed(verdicts(world(solved(), theirs, journal=NO_JOURNAL))) == {"TP2-PUSH": "build.nonce-differs"}
    assert statuses(replace(DONE, journal=NO_JOURNAL))["TP2-PUSH"] is Status.INCONCLUSIVE


def test_a_tag_that_moves_while_it_is_read_is_not_judged() -> None:
    """Its digest was read before its image was: these are two images."""
    assert statuses(replace(DONE, content=Content(make_payload("c"))))["TP2-PUSH"] is Status.INCONCLUSIVE


def test_a_registry_that_reads_weak_hashes_is_told_apart_from_nginx() -> None:
    """Whose file it is decides what happens, and the advice says it."""
    for reader, advice in (("nginx", "passwords.nginx-takes-it"), ("registry", "passwords.registry-refuses-it")):
        finding = verdicts(replace(DONE, passwords=passwords("sha1", reader)))["TP2-HTPASSWD"].finding
        assert [each.id for each in finding.advice] == [advice]


def test_before_the_stack_is_up_the_folders_file_counts() -> None:
    """Step 1 comes first: nobody reads the file yet."""
    assert failed(verdicts(down(passwords=passwords("apr1", "nobody")))) == {
        "TP2-HTPASSWD": "passwords.md5",
        "TP2-UP": "up.nothing",
    }


def test_of_many_doors_those_that_are_not_shut_are_shown() -> None:
    """The rest as one."""
    further = {"anonymous-tags": SHUT, "anonymous-blob": LET_IN, "anonymous-put": SHUT}
    finding = verdicts(replace(DONE, doors=doors(anonymous_further=further)))["TP2-AUTH"].finding
    assert (finding.observed["anonymous-blob"], finding.expected["anonymous-blob"]) == (200, 401)
    assert finding.observed["anonymous-further"] == finding.expected["anonymous-further"] == 401
    assert not {"anonymous-tags", "anonymous-put"} & finding.observed.keys()


UNHURT = {
    "a page of its own by another name": doors(other_name=Door(200, page=Page("nginx/1.25.5"))),
    "no answer by another name": doors(other_name=Door(None, fault=Fault.CLOSED)),
    "the catalog is for nobody": doors(anonymous_further={"anonymous-catalog": Door(403, page=Page())}),
    "deletions are not passed on": doors(anonymous_further={"anonymous-delete": Door(405, page=Page())}),
    "too many questions": doors(anonymous_further={"anonymous-tags": Door(429)}),
}


@pytest.mark.parametrize("answer", UNHURT)
def test_who_is_turned_away_in_another_way_is_not_let_in(answer: str) -> None:
    """Where clients ask in vain anyway, any refusal is as good as a challenge."""
    assert statuses(replace(DONE, doors=UNHURT[answer]))["TP2-AUTH"] is Status.PASS


def test_a_door_that_fails_proves_nothing() -> None:
    """A server's error neither lets in nor keeps out."""
    broken = replace(DONE, doors=doors(anonymous_further={"anonymous-tags": Door(500)}))
    assert statuses(broken)["TP2-AUTH"] is Status.INCONCLUSIVE
    opened = replace(DONE, doors=doors(anonymous_further={"anonymous-tags": Door(500), "anonymous-blob": LET_IN}))
    assert statuses(opened)["TP2-AUTH"] is Status.FAIL


@pytest.mark.parametrize(
    ("sent", "free", "reason"),
    [
        (Door(500, words="UNKNOWN unknown error no space left on device"), None, "disk-full"),
        (Door(503, words="UNAVAILABLE service unavailable the registry's storage is full"), 10**12, "disk-full"),
        (Door(500, words='UNKNOWN unknown error {"Enclosed": {"Err": 28}}'), None, "disk-full"),
        (Door(500, page=Page("nginx/1.25.5")), 4_000_000, "disk-short"),
        (Door(500, page=Page("nginx/1.25.5")), 10**12, "server-error"),
        (Door(500, words='UNKNOWN unknown error {"Err": 280}'), 10**12, "server-error"),
    ],
)  # fmt: skip
def test_a_registry_in_trouble_is_not_judged_by_an_upload(sent: Door, free: int | None, reason: str) -> None:
    """A full disk is named where its words or the room that is left tell of it."""
    failed_upload = Upload(BASE, 5_000_001, Door(202, location=f"{BASE}/v2/u/1"), sent, free)
    verdict = verdicts(replace(DONE, upload=failed_upload))["TP2-UPLOAD"]
    assert (verdict.status, [cause.id for cause in verdict.finding.causes]) == (Status.INCONCLUSIVE, [reason])
    for spoken in LANGUAGES:
        assert "500" in console.verdict_block(verdict, Messages(spoken)) or sent.status == 503


def test_a_page_is_no_way_around_the_proxy() -> None:
    """A web page on another port, or in the clear, is no registry."""
    page = Door(200, page=Page("nginx/1.25.5"))
    found = statuses(replace(DONE, backend=Backend({"ui 8080": page}), plain=Plain(page, REFUSED)))
    assert (found["TP2-BACKEND"], found["TP2-HTTP"]) == (Status.PASS, Status.PASS)


def test_a_registry_that_was_named_and_is_not_there_is_nobodys_failure() -> None:
    """One reason for all, where an address was given; a stack that the student built is theirs to start."""
    gone, down_there = Unavailable("unreachable", {"url": "https://127.0.0.1:1"}), ended("killed")
    named = replace(down_there, answer=gone, task=replace(DONE.task, is_named=True))
    found = verdicts(named)
    assert {v.status for v in found.values()} == {Status.INCONCLUSIVE}
    assert {cause.id for v in found.values() for cause in v.finding.causes} == {"unreachable"}
    assert statuses(replace(named, task=DONE.task))["TP2-UP"] is Status.FAIL
    untrusted = replace(named, answer=Unavailable("tls", {"url": "https://x", "name": "x"}))
    assert statuses(untrusted)["TP2-UP"] is Status.FAIL


def test_what_is_not_found_counts_where_somebody_looks_for_it() -> None:
    """Of a stack that is down nobody does; and who has a file that is there needs no other."""
    gone = Passwords((absent(), lying()))
    assert failed(verdicts(down(passwords=gone))) == {"TP2-UP": "up.nothing"}
    both = Passwords((absent(Presence.FOLDER), passwords().files[0]))
    assert failed(verdicts(replace(DONE, passwords=both))) == {}


def test_where_the_password_lies_is_advice() -> None:
    """In base64 in config.json, under whichever port; with a helper nothing is said."""
    for inline, said in (((f"{NAME}:8443",), ["login.base64"]), (("ghcr.io",), []), ((), [])):
        client = ClientConfig(present=True, hosts=(NAME,), inline=inline)
        verdict = verdicts(replace(DONE, client=client))["TP2-AUTH"]
        assert (verdict.status, [each.id for each in verdict.finding.advice]) == (Status.PASS, said)


def test_a_small_key_and_a_long_life_are_advice() -> None:
    """They cost nothing."""
    leaf = replace(LEAF, key="RSA 1024", not_after=LEAF.not_before + timedelta(days=3650))
    verdict = verdicts(certified(leaf))["TP2-CERT"]
    assert verdict.status is Status.PASS
    assert [each.id for each in verdict.finding.advice] == ["cert.small-key", "cert.long-lived"]


def test_a_file_without_a_certificate_beside_the_right_one_is_remarked_on() -> None:
    """The lab's docker passes over it; Docker's, with containerd's images, does not."""
    verdict = verdicts(certified(LEAF, authorities=("a.crt", "ca.crt"), blank=("a.crt",)))["TP2-CERT"]
    assert verdict.status is Status.PASS
    assert [(each.id, each.params) for each in verdict.finding.advice] == [("cert.blank-beside", {"files": "a.crt"})]


def test_of_several_files_only_those_with_a_certificate_are_called_another_cas() -> None:
    """The empty one is named first, then the CA that did not sign."""
    facts = certified(LEAF, trusted=False, authorities=("a.crt", "ca.crt"), blank=("a.crt",))
    causes = {each.id: each.params for each in verdicts(facts)["TP2-CERT"].finding.causes}
    assert list(causes) == ["cert.blank-authority", "cert.other-authority", "cert.incomplete-chain"]
    assert causes["cert.other-authority"]["files"] == "ca.crt"


def test_what_clients_complain_of_first_is_told_first() -> None:
    """An expired certificate of another name and of nobody's CA: dates, names, trust."""
    leaf = replace(LEAF, not_after=START - timedelta(days=1), names=("other.example.com",))
    causes = verdicts(certified(leaf, trusted=False))["TP2-CERT"].finding.causes
    assert [cause.id for cause in causes] == [
        "cert.expired", "cert.other-name", "cert.other-authority", "cert.incomplete-chain",
    ]  # fmt: skip


def test_a_wildcard_is_for_one_label() -> None:
    """Neither for the domain itself nor for what is below a name of it (RFC 9525 §6.3)."""
    for name in ("example.com", "a.b.example.com"):
        found = verdicts(certified(replace(LEAF, names=("*.example.com",)), name=name))
        assert failed(found) == {"TP2-CERT": "cert.other-name"}


def test_a_chain_of_a_certificate_that_is_not_yet_valid_and_one_that_is() -> None:
    """To the second: both ends count as valid."""
    for edge in ({"not_after": START}, {"not_before": START}):
        assert statuses(certified(replace(LEAF, **edge)))["TP2-CERT"] is Status.PASS


def test_where_the_log_is_wrong_is_shown_with_its_number() -> None:
    """A line written by hand: its file and number are the evidence, and its request."""
    finding = verdicts(MUTANTS["log-forged"])["TP2-LOG"].finding
    number = len(forged().lines)
    assert finding.causes[0].params["line"] == number
    assert Messages("en").told(finding.evidence[0].ref).startswith(f"nginx/access.log:{number} ")


def test_a_request_past_the_proxy_is_shown() -> None:
    """The first of them, as the journal has it."""
    finding = verdicts(WRONG["past the proxy"][0])["TP2-LOG"].finding
    assert [each.kind for each in finding.evidence] == ["journal"]
    assert "manifests/0.1" in Messages("en").told(finding.evidence[0].ref)


def test_a_request_that_came_after_the_log_was_read_is_not_missed() -> None:
    """While a push goes on, the journal is a moment ahead of the log; what is older must have its line."""
    scene = solved().slip_past()
    for seconds, status in ((1, Status.PASS), (60, Status.FAIL)):
        log = replace(scene.log(), read_at=scene.diary.events[-1].at + timedelta(seconds=seconds))
        assert statuses(world(scene, access_log=log))["TP2-LOG"] is status


def test_a_log_that_was_begun_anew_is_held_against_what_came_after() -> None:
    """Docker throws a container's words away when it is made anew: requests of before are nobody's fault."""
    scene = solved()
    anew = scene.diary.events[-2].at
    log = replace(scene.log(), lines=tuple(line for line in scene.lines if line.at >= anew))
    assert statuses(world(scene, access_log=log))["TP2-LOG"] is Status.FAIL
    assert statuses(world(scene, access_log=replace(log, since=anew)))["TP2-LOG"] is Status.PASS


def test_who_pulled_is_not_known_where_nobody_notes_names() -> None:
    """registry:2 prints none: the proxy's log says who it was, and what that does not reach back to is not judged."""
    scene = solved()
    facts = replace(world(scene), journal=unsaid(scene))
    assert statuses(facts)["TP2-PULL"] is Status.PASS
    later = scene.diary.events[-1].at + timedelta(seconds=1)
    young = replace(facts, access_log=replace(scene.log(), lines=(), since=later))
    assert statuses(young)["TP2-PULL"] is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    "log",
    [
        AccessLog(kept=True, proxied=True, unreadable=(1, 2, 3), path="access.log", logging=LOGGING),
        logged(solved(), readable=False),
        replace(solved().log(), unreadable=(40, 41), lines=solved().log().lines[:-1]),
    ],
    ids=["not one line", "as it is told to", "since the last line that can be read"],
)
def test_a_log_in_a_format_of_its_own_is_not_judged(log: AccessLog) -> None:
    """That is another way to write a log, and no proof of anything."""
    verdict = verdicts(replace(DONE, access_log=log))["TP2-LOG"]
    assert (verdict.status, verdict.finding.causes[0].id) == (Status.INCONCLUSIVE, "log-format")


HONEST = {
    "lines in another format, once": replace(DONE.access_log, unreadable=(9, 10)),
    "nginx's own answers": (
        solved().write("GET", "/v2/", 301, size=169).write("GET", f"/v2/{HERE}/manifests/1.0", 404, size=153).log()
    ),
    "a location that answers by itself, now": logged(solved().write("GET", "/v2/", 200), plain=False),
    "a configuration of before": replace(
        logged(solved().write("GET", f"/v2/{HERE}/manifests/1.0", 200, size=7), since=START + timedelta(hours=1)),
        lines=solved().write("GET", f"/v2/{HERE}/manifests/1.0", 200, size=7).log().lines[5:],
    ),
    "a log that was cleared": replace(
        DONE.access_log, lines=DONE.access_log.lines[6:], begins_at=DONE.access_log.lines[6].at
    ),
    "a log whose beginning is not known": logged(solved(), since=None),
    "two logs, of which one began later": replace(
        DONE.access_log,
        lines=(*DONE.access_log.lines, *(replace(line, log="other") for line in DONE.access_log.lines[4:])),
    ),
}
"""What honest students' logs may look like; they have done all, and one request at least agrees."""


@pytest.mark.parametrize("told", HONEST)
def test_no_honest_history_of_a_log_is_a_fault(told: str) -> None:
    """What nothing follows from is not held against anybody."""
    assert statuses(replace(DONE, access_log=HONEST[told]))["TP2-LOG"] is Status.PASS


def test_what_is_asked_within_the_registry_s_container_is_nobody_s_fault() -> None:
    """A health check, and a look at the catalog and at tags: they pass no proxy."""
    scene = solved().bypass("GET", "/v2/", 200, user=None, endpoint="end-1")
    scene.bypass("GET", "/v2/_catalog", 200, user=None, endpoint="catalog")
    scene.bypass("GET", f"/v2/{HERE}/tags/list", 200, user=None, endpoint="end-8", repository=HERE)
    assert statuses(world(scene))["TP2-LOG"] is Status.PASS


def test_a_log_without_a_request_that_agrees_says_nothing_yet() -> None:
    """It was moved, and nobody has pulled since: no fault, and no point."""
    moved = replace(logged(begun(), since=START + timedelta(hours=1)), lines=())
    verdict = verdicts(replace(DONE, access_log=moved))["TP2-LOG"]
    assert (verdict.status, verdict.finding.causes[0].id) == (Status.INCONCLUSIVE, "log-young")


def test_a_memory_that_lacks_its_beginning_accuses_no_line() -> None:
    """Docker threw the oldest words of registry:2 away; or it was told to print errors only."""
    scene = solved()
    every = unsaid(scene).events
    recent, errors = every[6:], tuple(event for event in every if history.is_refusal(event))
    for events in (recent, errors):
        journal = replace(unsaid(scene), events=events)
        assert statuses(replace(world(scene), journal=journal))["TP2-LOG"] is Status.PASS


def test_without_a_request_one_is_expected() -> None:
    """Not none."""
    finding = verdicts(world(asked_in_vain(), None))["TP2-LOG"].finding
    assert (finding.observed["agreeing"], finding.expected["agreeing"]) == (0, 1)


def test_many_lines_by_hand_are_not_all_told() -> None:
    """Five of them say enough; the evidence has all."""
    scene = solved()
    for _ in range(40):
        scene.write("GET", f"/v2/{HERE}/manifests/1.0", 200, size=500)
    finding = verdicts(world(scene))["TP2-LOG"].finding
    assert (len(finding.causes), len(finding.evidence)) == (5, 40)


def test_what_cosign_reads_is_no_pull() -> None:
    """Signing and verifying read the manifest too."""
    assert failed(verdicts(world(begun().push().sign().get(agent=COSIGN)))) == {"TP2-PULL": "pull.never"}


def test_a_tag_that_is_gone_between_two_readings_is_no_image() -> None:
    """Tags were read before the image was: it does not pass."""
    assert statuses(replace(DONE, content=Content(None)))["TP2-PUSH"] is Status.FAIL


def test_an_image_without_layers_proves_nothing_of_its_secrets() -> None:
    """No layer was looked into: INCONCLUSIVE."""
    assert statuses(replace(DONE, layers=Layers(0, ())))["TP2-SECRETS"] is Status.INCONCLUSIVE


@pytest.mark.parametrize("state", ALL_WRONG)
def test_a_reason_to_fail_is_never_a_reason_to_pass(state: str) -> None:
    """No FAIL without a cause, no PASS with one."""
    for check in CHECKS:
        finding = judged(check, ALL_WRONG[state])
        if finding.status is not Status.INCONCLUSIVE:
            assert bool(finding.causes) is (finding.status is Status.FAIL), check.code


def test_what_is_wanted_follows_from_the_parameters() -> None:
    """The repository, and the one tag."""
    wanted = target(PARAMETERS)
    assert (wanted.repository, wanted.tags) == (HERE, ("1.0",))


def test_an_attempt_of_many_thousand_requests_is_judged_within_two_seconds() -> None:
    """Log and journal are held against each other in much less than a judge's time."""
    scene = begun()
    for _ in range(300):
        scene.log_in().push().sign().pull()
    facts = world(scene)
    begun_at = time.process_time()
    assert all(judged(check, facts).status is Status.PASS for check in CHECKS)
    assert time.process_time() - begun_at < 2


def printed(scene: Scene) -> Facts:
    """What registry:2 prints, read as a journal: no names, and no digests of what was asked for by tag."""
    journal = scene.diary.journal()
    events = tuple(
        replace(event, detail={}, digest=None if event.reference == "1.0" else event.digest) for event in journal.events
    )
    return world(scene, journal=replace(journal, events=events))


def test_a_registry_that_prints_neither_names_nor_digests_is_graded_all_the_same() -> None:
    """The proxy's log knows who came, and the tag what it is since it was pushed."""
    assert set(statuses(printed(begun().push("c").sign().push().sign().pull())).values()) == {Status.PASS}


@pytest.mark.parametrize(
    ("scene", "cause"),
    [
        (begun().push().sign(), {"TP2-PULL": "pull.never"}),
        (begun().get().push().sign(), {"TP2-PULL": "pull.moved-after"}),
        (begun().push().pull(user="eve"), {"TP2-PULL": "pull.another-account"}),
        (begun().push(user="eve").pull(), {"TP2-PUSH": "push.another-account"}),
        (begun().push(tag="v1"), {"TP2-PUSH": "push.other-tag"}),
    ],
)
def test_a_registry_that_prints_little_hides_no_fault(scene: Scene, cause: dict[str, str]) -> None:
    """What it does not tell helps nobody."""
    assert failed(verdicts(printed(scene))) == cause


def test_a_log_as_young_as_its_container_accuses_nobody() -> None:
    """A proxy that was made anew has logged nothing yet, and nobody has called since: that is no failure."""
    young = replace(DONE, access_log=AccessLog(kept=True, proxied=True, since=START + timedelta(days=1)))
    finding = judged(next(check for check in CHECKS if check.code == "TP2-LOG"), young)
    assert finding.status is Status.INCONCLUSIVE
    assert [cause.id for cause in finding.causes] == ["log-young"]
