"""What we say in our own name about compose files, in French and English. Compose's texts are never translated."""

from collections.abc import Mapping

from labs.messages import language

_CURE = {
    "en": "Use Docker: LAB_DOCKER=real with Docker Engine, or labstack up --engine docker.",
    "fr": "Prenez Docker\u00a0: LAB_DOCKER=real avec Docker Engine, ou labstack up --engine docker.",
}
_MOVE = {
    "en": "End that program, or move the lab's ports, e.g.: export LAB_PORT_BASE=5100, then labstack up.",
    "fr": (
        "Arrêtez ce programme, ou déplacez les ports du lab, par exemple\u00a0: export LAB_PORT_BASE=5100, "
        "puis labstack up."
    ),
}
_TEXTS = {
    "key": {
        "en": "{where}: Compose knows it, the lab's engine without Docker does not. Leave it out. {cure}",
        "fr": "{where}\u00a0: Compose le connaît, le moteur du lab sans Docker non. Retirez-le. {cure}",
    },
    "value": {
        "en": "{where}: {value} is Compose's, the lab's engine without Docker does not do it. {cure}",
        "fr": "{where}\u00a0: {value} existe dans Compose, le moteur du lab sans Docker ne le fait pas. {cure}",
    },
    "neighbour": {
        "en": "{where}: {value} is a name among containers; without Docker a registry reaches no other service. {cure}",
        "fr": (
            "{where}\u00a0: {value} est un nom entre conteneurs\u00a0; "
            "sans Docker, un registre ne joint aucun autre service. {cure}"
        ),
    },
    "image": {
        "en": "{where}: no image {value} here. Without Docker the lab stands in for {images}. {cure}",
        "fr": "{where}\u00a0: pas d'image {value} ici. Sans Docker, le lab remplace {images}. {cure}",
    },
    "files": {
        "en": "the lab's engine without Docker reads one compose file, and there are several: {files}. {cure}",
        "fr": "le moteur du lab sans Docker lit un seul fichier compose, et il y en a plusieurs\u00a0: {files}. {cure}",
    },
    "published-twice": {
        "en": "{where}: container port {port} is published on several ports; without Docker, one is possible. {cure}",
        "fr": (
            "{where}\u00a0: le port {port} du conteneur est publié sur plusieurs ports\u00a0; "
            "sans Docker, un seul est possible. {cure}"
        ),
    },
    "no-restart": {
        "en": (
            "labdocker: restart: {value} of {service} has no effect without Docker: "
            "if it ends, docker compose up -d starts it again"
        ),
        "fr": (
            "labdocker\u00a0: restart: {value} de {service} n'a pas d'effet sans Docker\u00a0: "
            "s'il s'arrête, docker compose up -d le relance"
        ),
    },
    "odd-tag": {
        "en": (
            "labdocker: {image}: is there such a tag? Without Docker nobody looks it up, and this machine's nginx runs "
            "for any; Docker would say manifest unknown"
        ),
        "fr": (
            "labdocker\u00a0: {image}\u00a0: ce tag existe-t-il\u00a0? Sans Docker, personne ne le vérifie, et le "
            "nginx de cette machine tourne pour n'importe lequel\u00a0; Docker dirait manifest unknown"
        ),
    },
    "moved-port": {
        "en": "labdocker: port {host} is 127.0.0.1:{here} on this machine",
        "fr": "labdocker\u00a0: le port {host} est 127.0.0.1:{here} sur cette machine",
    },
    "port-holder": {
        "en": "127.0.0.1:{here} is held by {program} (pid {pid}). {move}",
        "fr": "127.0.0.1:{here} est tenu par {program} (pid {pid}). {move}",
    },
    "port-nobody": {
        "en": (
            "nobody whom you may see holds 127.0.0.1:{here}: another user's program, or one that has just ended. {move}"
        ),
        "fr": (
            "personne que vous puissiez voir ne tient 127.0.0.1:{here}\u00a0: un programme d'un autre utilisateur, "
            "ou qui vient de se terminer. {move}"
        ),
    },
    "locked": {
        "en": "another docker compose works on this project: {path} is locked",
        "fr": "un autre docker compose travaille sur ce projet\u00a0: {path} est verrouillé",
    },
    "exec": {
        "en": "labdocker: no container, so no '{command}' in {service}. Without Docker there is: {known}. {cure}",
        "fr": (
            "labdocker\u00a0: pas de conteneur, donc pas de «\u00a0{command}\u00a0» dans {service}. "
            "Sans Docker il y a\u00a0: {known}. {cure}"
        ),
    },
}


def say(environ: Mapping[str, str], text: str, **values: object) -> str:
    """One of our own texts, in the person's language."""
    chosen = language(environ)
    return _TEXTS[text][chosen].format(**values, cure=_CURE[chosen], move=_MOVE[chosen])
