"""What schemathesis can't know of this API: how callbacks are signed, and which refusals a request of the right form may meet."""

import hashlib
import hmac
import os
import re
import time

import schemathesis
from requests.auth import AuthBase

# Problems that say that a request was not understood. One that has its form is never told so.
MISUNDERSTOOD = {
    "bad-request",
    "idempotency-key-invalid",
    "idempotency-key-missing",
    "malformed-json",
    "unprocessable",
    "unsupported-media-type",
}


class Signed(AuthBase):
    """Signs a body as the sandbox does."""

    def __call__(self, request):
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        now = int(time.time())
        secret = os.environ["DATAMP_CALLBACK_SECRET"].encode()
        code = hmac.new(secret, f"{now}.".encode() + body, hashlib.sha256).hexdigest()
        request.headers["Sandbox-Signature"] = f"t={now},v1={code}"
        return request


def understood(case):
    """Whether the request is one that fits the document."""
    if case.meta is None or case.meta.generation.mode != schemathesis.GenerationMode.POSITIVE:
        return False
    # Where another part of the request is what is spoilt, a body may be anything; all that this API takes are objects.
    is_json = case.operation.definition.raw["operationId"] != "providerCallback"
    return not (is_json and isinstance(case.body, (bool, int, float, str, list)))


# Rules that no schema can say: a cursor is made by us alone, a time is past or to come, and one field may need another.
RULES = {
    ("createApiKey", "expires_at"),
    ("rotateApiKey", "expires_at"),
    ("getBalance", "as_of"),
    ("createPayment", "expires_in"),
}


def is_rule(case, error):
    """Whether a field was refused by such a rule, or for being 1.0: JSON Schema holds that for an integer, and amounts are stricter."""
    if error["field"] == "starting_after" or (case.operation.definition.raw["operationId"], error["field"]) in RULES:
        return True
    return re.search(r"must be a whole number.*, not -?[0-9]+(\.[0-9]+|(\.[0-9]+)?e[+-]?[0-9]+)$", error["detail"]) is not None


@schemathesis.hook
def before_call(context, case, kwargs):
    """Signs the callbacks that are to have a signature, as any text would be refused for it, and keeps the key that is called with."""
    if case.operation.definition.raw["operationId"] == "revokeApiKey":
        parameters = case.path_parameters or {}
        if parameters.get("id") == os.environ["DATAMP_KEY_ID"]:
            parameters["id"] = "key_01h455vb4pex5vsknk084sn02q"
    if case.operation.definition.raw["operationId"] == "providerCallback" and understood(case):
        case.path_parameters["provider"] = "sandbox"
        kwargs["auth"] = Signed()


@schemathesis.check
def what_has_its_form_is_understood(ctx, response, case):
    """A request that fits the document may be refused for what it asks for, and not for its form."""
    if not understood(case) or response.status_code not in (400, 415, 422):
        return
    problem = response.json()
    slug = problem["type"].rsplit("/", 1)[-1]
    errors = problem.get("errors", [])
    if errors and all(is_rule(case, error) for error in errors):
        return
    assert slug not in MISUNDERSTOOD, f"a request of the right form was not understood: {problem}"
