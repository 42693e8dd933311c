"""The agent's life: listen, start what runs beside, answer, and end at once when told to."""

import signal
import ssl
import sys

from limen.agent.answers import routes
from limen.agent.assembly import assemble
from limen.agent.http import Server, Token
from limen.agent.logs import Log
from limen.agent.services import Running, services_for
from limen.agent.settings import Settings, SettingsError
from limen.listening import bind

_log = Log(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; raises LimenError where that is not possible."""
    token = _token(settings)
    if not settings.listen.is_loopback and (token is None or settings.tls is None):
        raise SettingsError(
            f"{settings.listen.host} is not a loopback address: whoever reaches it could read everything, or "
            "the token on its way. Give --token-file, --tls-certificate and --tls-key."
        )
    tls = _tls(settings)
    assembly = assemble(settings)
    bound = bind(settings.listen, "limen-agent")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    host, port = bound.getsockname()[:2]
    with (
        Running([*assembly.services, *services_for(settings)]),
        Server(bound, routes(assembly.scraper), token, frozenset({"/healthz"}), tls) as server,
    ):
        _log.info("listening", address=f"{host}:{port}")
        server.serve_forever()


def _token(settings: Settings) -> Token | None:
    if settings.token_file is None:
        return None
    try:
        return Token(settings.token_file)
    except (OSError, ValueError) as error:
        raise SettingsError(f"The token file {settings.token_file} can't be used: {error}.") from error


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(*settings.tls)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"The certificate {settings.tls[0]} can't be used: {error}.") from error
    return context
