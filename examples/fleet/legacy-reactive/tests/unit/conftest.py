import sys
from unittest import mock


def handler(*_flags):
    """Stand-in for the decorators of `charms.reactive`, which leave the function as it is."""
    return lambda function: function


# The layers are put together when the charm is built, so a test has none of them.
reactive = mock.MagicMock(when=handler, when_not=handler)
sys.modules["charms"] = mock.MagicMock(reactive=reactive)
sys.modules["charms.reactive"] = reactive
sys.modules["charmhelpers"] = mock.MagicMock()
sys.modules["charmhelpers.core"] = mock.MagicMock()
