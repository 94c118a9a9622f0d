"""What holds for all tests."""

from hypothesis import settings

settings.register_profile("house", deadline=None)  # a machine that is busy is no fault of ours
settings.load_profile("house")
