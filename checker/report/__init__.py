"""Pure renderers: ``render(report, messages) -> str``. ``story`` is the wording they share."""
