"""Property tests run the same examples everywhere: a failure in CI is a failure at the desk."""

from hypothesis import settings

settings.register_profile("limen-rules", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("limen-rules")
