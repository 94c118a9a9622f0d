"""The exercises' stacks: brought up, taken down, put back to how they were, looked at."""
