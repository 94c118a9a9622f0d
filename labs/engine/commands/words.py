"""What labdocker says in its own name, in French and English. Docker's texts are never translated."""

from collections.abc import Mapping

_ENGLISH = "en"
_TEXTS = {
    "no-engine": {
        "en": (
            "labdocker: 'docker {name}' needs a container engine, and this command has none: it builds, pushes and "
            "pulls images.\nInstall Docker Engine, start it, and set LAB_DOCKER=real to use its own command."
        ),
        "fr": (
            "labdocker\u00a0: «\u00a0docker {name}\u00a0» demande un moteur de conteneurs, et cette commande n'en a "
            "pas\u00a0: elle construit, pousse et tire des images.\n"
            "Installez Docker Engine, démarrez-le, puis LAB_DOCKER=real choisit sa commande."
        ),
    },
    "no-compose": {
        "en": (
            "labdocker: 'docker compose {name}' needs containers, and the lab's engine runs processes. "
            "With Docker Engine: LAB_DOCKER=real."
        ),
        "fr": (
            "labdocker\u00a0: «\u00a0docker compose {name}\u00a0» demande des conteneurs, et le moteur du lab lance "
            "des processus. Avec Docker Engine\u00a0: LAB_DOCKER=real."
        ),
    },
    "no-flag": {
        "en": (
            "labdocker: '{command}' does not do {flag}, which is Docker's. "
            "Leave it out, or use Docker with LAB_DOCKER=real."
        ),
        "fr": (
            "labdocker\u00a0: «\u00a0{command}\u00a0» ne fait pas {flag}, une option de Docker. "
            "Retirez-la, ou prenez Docker avec LAB_DOCKER=real."
        ),
    },
    "no-daemon": {
        "en": "labdocker: {flag} chooses a daemon, and there is none here. Leave it out.",
        "fr": "labdocker\u00a0: {flag} choisit un démon, et il n'y en a pas ici. Retirez cette option.",
    },
    "build-url": {
        "en": "labdocker: a build context is a folder or - (a Dockerfile on stdin). Clone the repository first.",
        "fr": (
            "labdocker\u00a0: un contexte de build est un dossier ou - (un Dockerfile sur stdin). "
            "Clonez d'abord le dépôt."
        ),
    },
}


def say(environ: Mapping[str, str], text: str, **values: str) -> str:
    """One of our own texts, in the person's language."""
    chosen = _TEXTS[text][language(environ)]
    return chosen.format(**values)


def language(environ: Mapping[str, str]) -> str:
    """``fr`` or ``en``: LAB_LANG, else the locale."""
    names = ("LAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((environ[name] for name in names if environ.get(name)), _ENGLISH)
    return "fr" if chosen.lower().startswith("fr") else _ENGLISH
