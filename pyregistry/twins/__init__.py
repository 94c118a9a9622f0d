"""How each hosted registry speaks: wording, scopes, limits. One module a registry."""

from pyregistry.auth.speech import Speech
from pyregistry.config.settings import Twin
from pyregistry.twins.ghcr import GhcrSpeech


def speech_of(twin: Twin) -> Speech:
    """The manners of a hosted registry."""
    match twin:
        case Twin.GHCR:
            return GhcrSpeech()
