"""The memory: one chained event for every request, refusals included, and for every change of accounts.

``spec.journal`` is the format; here it is written and read, and passed on to notifications and metrics (``feeding``).
"""

from pyregistry.journal.opening import open_journal
from pyregistry.journal.reading import read
from pyregistry.journal.writing import Journal, JournalError, NullJournal
from pyregistry.spec.journal import EventLog

__all__ = ["EventLog", "Journal", "JournalError", "NullJournal", "open_journal", "read"]
