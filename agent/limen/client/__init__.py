"""The typed client of limen-api."""

from limen.client.client import Client
from limen.client.errors import ApiError, ApiUnavailable, ClientMisconfigured, QuotaDenied

__all__ = ["ApiError", "ApiUnavailable", "Client", "ClientMisconfigured", "QuotaDenied"]
