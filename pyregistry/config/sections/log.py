"""``log``."""

from pyregistry.config.section import Section
from pyregistry.config.settings import LogFormatter, LogLevel, LogSettings


def read_log(root: Section) -> LogSettings:
    """``log``."""
    with root.section("log") as log, log.section("fields") as fields, log.section("accesslog") as access_log:
        return LogSettings(
            level=log.word("level", LogLevel, LogLevel.INFO),
            formatter=log.word("formatter", LogFormatter, LogFormatter.TEXT),
            fields={name: fields.text(name, "") for name in fields.names()},
            access_log=not access_log.boolean("disabled", default=False),
        )
