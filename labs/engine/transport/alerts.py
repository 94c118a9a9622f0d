"""TLS alerts of a server, in Go's words for OpenSSL's: ``alertText`` of crypto/tls."""

_WORDS = {
    "UNEXPECTED_MESSAGE": "unexpected message",
    "BAD_RECORD_MAC": "bad record MAC",
    "RECORD_OVERFLOW": "record overflow",
    "HANDSHAKE_FAILURE": "handshake failure",
    "BAD_CERTIFICATE": "bad certificate",
    "UNSUPPORTED_CERTIFICATE": "unsupported certificate",
    "CERTIFICATE_REVOKED": "revoked certificate",
    "CERTIFICATE_EXPIRED": "expired certificate",
    "CERTIFICATE_UNKNOWN": "unknown certificate",
    "ILLEGAL_PARAMETER": "illegal parameter",
    "UNKNOWN_CA": "unknown certificate authority",
    "ACCESS_DENIED": "access denied",
    "DECODE_ERROR": "error decoding message",
    "DECRYPT_ERROR": "error decrypting message",
    "PROTOCOL_VERSION": "protocol version not supported",
    "INSUFFICIENT_SECURITY": "insufficient security level",
    "INTERNAL_ERROR": "internal error",
    "NO_RENEGOTIATION": "no renegotiation",
    "MISSING_EXTENSION": "missing extension",
    "UNSUPPORTED_EXTENSION": "unsupported extension",
    "UNRECOGNIZED_NAME": "unrecognized name",
    "CERTIFICATE_REQUIRED": "certificate required",
    "NO_APPLICATION_PROTOCOL": "no application protocol",
}


def in_gos_words(reason: str) -> str:
    """What Go says of an alert that OpenSSL names ``TLSV1_ALERT_…``, ``SSLV3_ALERT_…`` or ``TLSV1_…``.

    What is no alert that both know stays as it is.
    """
    version, _, alert = reason.partition("_")
    known = _WORDS.get(alert.removeprefix("ALERT_"))
    return known if known and version in _VERSIONS else reason


_VERSIONS = frozenset({"SSLV3", "TLSV1", "TLSV13"})
