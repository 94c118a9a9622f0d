"""The exercises as data: one folder a lab, with ``lab.toml``, starter, solution, mutants and texts."""
