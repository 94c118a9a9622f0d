"""The exercises and their stacks.

``catalog`` and ``attempts`` are what the grader may read; ``stack`` and ``engine`` belong to the people who run labs.
"""
