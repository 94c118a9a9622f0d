"""What labcosign says in its own name, in French and English. cosign's texts are never translated."""

from collections.abc import Mapping

from labs.engine.commands.console import CommandFailed
from labs.engine.commands.words import language

_TEXTS = {
    "keyless-sign": {
        "en": (
            "labcosign: to sign without a key (keyless), cosign asks Fulcio for a certificate of your OIDC identity "
            "and records it in Rekor, and neither exists in the lab.\n"
            "Make a key pair with 'cosign generate-key-pair' and add --key cosign.key."
        ),
        "fr": (
            "labcosign\u00a0: pour signer sans clé (keyless), cosign demande à Fulcio un certificat de votre identité "
            "OIDC et l'inscrit dans Rekor, et le labo n'a ni l'un ni l'autre.\n"
            "Créez une paire de clés avec «\u00a0cosign generate-key-pair\u00a0» et ajoutez --key cosign.key."
        ),
    },
    "keyless-verify": {
        "en": (
            "labcosign: to verify without a key (keyless), cosign needs the certificates of Fulcio and the log Rekor, "
            "and neither exists in the lab.\nAdd --key cosign.pub, the public key of whoever signed."
        ),
        "fr": (
            "labcosign\u00a0: pour vérifier sans clé (keyless), il faut à cosign les certificats de Fulcio et le "
            "journal Rekor, et le labo n'a ni l'un ni l'autre.\n"
            "Ajoutez --key cosign.pub, la clé publique de qui a signé."
        ),
    },
    "not-logged": {
        "en": (
            "labcosign: the lab has no transparency log (Rekor): this is recorded nowhere. "
            "Outside the lab, cosign 2 wants --tlog-upload=false for the same."
        ),
        "fr": (
            "labcosign\u00a0: le labo n'a pas de journal de transparence (Rekor)\u00a0: rien n'y est inscrit. "
            "Hors du labo, cosign 2 demande pour cela --tlog-upload=false."
        ),
    },
    "log-unread": {
        "en": (
            "labcosign: the lab has no transparency log (Rekor): that this was recorded in one is not verified. "
            "Outside the lab, cosign wants --insecure-ignore-tlog=true for the same."
        ),
        "fr": (
            "labcosign\u00a0: le labo n'a pas de journal de transparence (Rekor)\u00a0: l'inscription dans un tel "
            "journal n'est pas vérifiée. Hors du labo, cosign demande pour cela --insecure-ignore-tlog=true."
        ),
    },
    "no-log": {
        "en": "labcosign: {flag} asks for a transparency log (Rekor), and the lab has none. Leave it out.",
        "fr": (
            "labcosign\u00a0: {flag} demande un journal de transparence (Rekor), et le labo n'en a pas. "
            "Retirez cette option."
        ),
    },
    "services": {
        "en": (
            "labcosign: {path} names services ({names}), and none of them exists in the lab. "
            "Use a file without services: 'cosign {command} create --out FILE' makes one."
        ),
        "fr": (
            "labcosign\u00a0: {path} nomme des services ({names}), et aucun n'existe dans le labo. "
            "Prenez un fichier sans services\u00a0: «\u00a0cosign {command} create --out FICHIER\u00a0» en fait un."
        ),
    },
    "no-flag": {
        "en": "labcosign: 'cosign {command}' does not do {flag}, as cosign does. Leave it out, or use cosign itself.",
        "fr": (
            "labcosign\u00a0: «\u00a0cosign {command}\u00a0» ne fait pas {flag}, une option de cosign. "
            "Retirez-la, ou prenez cosign lui-même."
        ),
    },
    "no-command": {
        "en": "labcosign: 'cosign {name}' is cosign's and not ours: no exercise needs it. Use cosign itself.",
        "fr": (
            "labcosign\u00a0: «\u00a0cosign {name}\u00a0» est une commande de cosign, pas la nôtre\u00a0: aucun "
            "exercice n'en a besoin. Prenez cosign lui-même."
        ),
    },
    "no-setting": {
        "en": "labcosign: {name} is set, and labcosign keeps signatures beside their image only. Unset it.",
        "fr": (
            "labcosign\u00a0: {name} est définie, et labcosign ne garde les signatures qu'à côté de leur image. "
            "Retirez cette variable."
        ),
    },
    "no-key-store": {
        "en": "labcosign: {key}: keys come from files or from env://NAME. Name a file, e.g. --key cosign.key.",
        "fr": (
            "labcosign\u00a0: {key}\u00a0: les clés viennent de fichiers ou de env://NOM. "
            "Nommez un fichier, par exemple --key cosign.key."
        ),
    },
}


class Refused(CommandFailed):
    """What cosign does and we do not, told in our own name; never inside one of cosign's faults."""

    def __init__(self, environ: Mapping[str, str], text: str, **values: str) -> None:
        super().__init__(say(environ, text, **values))


def say(environ: Mapping[str, str], text: str, **values: str) -> str:
    """One of our own texts, in the person's language."""
    return _TEXTS[text][language(environ)].format(**values)
