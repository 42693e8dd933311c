"""Our errors as gRPC statuses that the engine understands."""

import logging
import traceback
from typing import NamedTuple

import grpc
from google.protobuf.message import Message
from pulumi.runtime.proto import errors_pb2, provider_pb2, status_pb2

from limen.quota.errors import LimenError
from limen_provider.errors import Cancelled, InitFailed, InvalidInputs
from limen_provider.properties import write_struct

_LOG = logging.getLogger(__name__)


class _Fields(NamedTuple):
    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


class Status(_Fields, grpc.Status):  # type: ignore[misc]  # the stubs say None for no metadata
    """A status with details, for `ServicerContext.abort_with_status`."""


def status_of(error: Exception) -> Status:
    """The status for `error`.

    The engine takes Internal, DataLoss and Unknown for "nobody knows whether it was done" and Unavailable for
    a plugin that died, so refusals are FailedPrecondition. An error that isn't ours is a bug: where it was
    raised is logged, its message isn't, since it may quote what it should not.
    """
    if isinstance(error, InitFailed):
        return _status(grpc.StatusCode.UNKNOWN, str(error), _init_failed(error))
    if isinstance(error, InvalidInputs):
        return _status(grpc.StatusCode.INVALID_ARGUMENT, str(error), _invalid_inputs(error))
    if isinstance(error, Cancelled):
        return _status(grpc.StatusCode.CANCELLED, str(error))
    if isinstance(error, LimenError):
        return _status(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    place = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("%s in the limen provider:\n%s", type(error).__name__, place)
    return _status(
        grpc.StatusCode.INTERNAL,
        f"The limen provider failed unexpectedly ({type(error).__name__}). This is a bug: "
        "please report it with the traceback that was printed.",
    )


def _status(code: grpc.StatusCode, message: str, detail: Message | None = None) -> Status:
    if detail is None:
        return Status(code, message, ())
    rich = status_pb2.Status(code=code.value[0], message=message)
    rich.details.add().Pack(detail)
    return Status(code, message, (("grpc-status-details-bin", rich.SerializeToString()),))


def _init_failed(error: InitFailed) -> Message:
    return provider_pb2.ErrorResourceInitFailed(
        id=error.id, properties=write_struct(error.outputs), reasons=[error.reason]
    )


def _invalid_inputs(error: InvalidInputs) -> Message:
    listed = [
        errors_pb2.InputPropertiesError.PropertyError(property_path=failure.path, reason=failure.reason)
        for failure in error.failures
    ]
    return errors_pb2.InputPropertiesError(errors=listed)
