"""What errors say about the object store: that it refuses the credentials, which libraries word differently, and its address."""

import os
import re

from jobs.platform.errors import AccessRefused, NightreelError

_NO_CREDENTIALS = re.compile(r"//169\.254\.169\.254/|No AWS Credentials provided")
"""The libraries ask the machine for credentials when the environment has none."""
_REASONS = (
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and versitygw's own. Arrow writes some in capitals.
    re.compile(
        r"\b(Access_?Denied|Expired_?Token|Invalid_?Access_?Key_?Id|Invalid_?Token|Request_?Time_?Too_?Skewed"
        r"|Signature_?Does_?Not_?Match|Token_?Refresh_?Required|XAdminUserNotFound"
        r"|No user exists with the provided access key ID)\b",
        re.IGNORECASE,
    ),
    # The reply to a HEAD request has no code. S3 answers 400 if the session token has expired.
    re.compile(r"non-2xx status code:? (40[13] \w+)"),
    re.compile(r"HEAD \S+ in \S+ - Server returned non-2xx status code:? (400 Bad Request)"),
    re.compile(r"AWS Error UNKNOWN \((HTTP status 40[013])\) during Head"),
    re.compile(r"((?:Bad Request|Forbidden|Unauthorized) \(Service: S3, Status Code: 40[013])"),
)
_REQUEST = re.compile(r"[A-Z]{3,6} https?://[^\s?]+|\w+ on s3a://[^\s:]+|(?<=during )\w+(?= operation)")


def access_refused(error: BaseException) -> AccessRefused | None:
    """Return the error to show instead, if an object store's refusal caused an error; otherwise None."""
    cause: BaseException | None = error
    while cause is not None:
        # The message of a NightreelError may show rows, which may contain any text.
        if not isinstance(cause, NightreelError) and (message := _message(str(cause))) is not None:
            return AccessRefused(message)
        cause = cause.__cause__
    return None


def with_store(message: str) -> str:
    """Return an error message with the address of the store, which Arrow's and Spark's messages about objects leave out."""
    address = os.environ.get("AWS_ENDPOINT_URL")
    if address and address not in message and re.search(r"AWS Error|\bs3a://", message):
        return f"{message}; the object store is {address}"
    return message


def _message(text: str) -> str | None:
    store = f"the object store {os.environ.get('AWS_ENDPOINT_URL', 'of AWS')}"
    if _NO_CREDENTIALS.search(text):
        return f"there are no credentials for {store}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    plain = " ".join(re.sub(r"\x1b\[\d+m|↳", "", text).split())  # without the colours of delta-rs
    reason = next((match[1] for pattern in _REASONS if (match := pattern.search(plain))), None)
    if reason is None:
        return None
    request = _REQUEST.search(plain)
    return (
        f"{store} refused {request[0] if request else 'a request'} ({reason}); renew AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if they are temporary, or give them access; restart a Spark Connect server "
        "that still has the old ones; then run this again"
    )
