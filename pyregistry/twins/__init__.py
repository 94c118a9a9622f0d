"""How each hosted registry speaks: wording, scopes, limits. One module a registry, chosen by ``pyregistry.twin``."""

from pyregistry.config.settings import Twin
from pyregistry.twins.distribution import DistributionSpeech
from pyregistry.twins.ghcr import GhcrSpeech
from pyregistry.twins.interface import Speech


def speech_of(twin: Twin | None) -> Speech:
    """The manners of a hosted registry, or our own."""
    match twin:
        case Twin.GHCR:
            return GhcrSpeech()
        case None:
            return DistributionSpeech()
