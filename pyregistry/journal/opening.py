"""Which journal a configuration asks for."""

from pyregistry.config.settings import Settings
from pyregistry.journal.writing import Journal, NullJournal
from pyregistry.spec.journal import EventLog


def open_journal(settings: Settings) -> EventLog:
    """The journal of ``pyregistry.journal.path``, or one that forgets where none is configured.

    Raises:
        JournalError: The file cannot be opened, or what it holds is no journal.
    """
    return Journal(settings.journal_path) if settings.journal_path else NullJournal()
