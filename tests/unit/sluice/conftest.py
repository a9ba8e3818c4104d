"""What the tests of the function share."""

from hypothesis import HealthCheck, settings

# Time says nothing about an example on a machine that others use as well.
settings.register_profile("function", max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("function")
