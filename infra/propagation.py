"""What Google has made is not at once known to all of Google: grants and enabled APIs take up to minutes to propagate.

Two answers, both tried on the real engine (tests/engine). An `after_create` hook on each grant is none: the engine
holds the state of a resource while its after-hook runs, the snapshot waits for it, and twenty waits follow each other.
"""

import asyncio

import pulumi

# What the provider's own example of a function with a build account of its own waits for its grants
# (pulumi_gcp.cloudfunctionsv2.Function, "Basic Builder").
GRANT_SECONDS = 60.0
# Each try prints a warning: seldom enough to be read, often enough to lose little.
RETRY_SECONDS = 10.0
RETRIES = 30
# Refusals of a create that left nothing behind and pass by themselves.
PASSING = (
    "SERVICE_DISABLED",
    "has not been used in project",
    "wait a few minutes",
    "cloudkms.cryptoKeyVersions.useToEncrypt",
    "Cloud KMS Error",
)
# Of an account or a service agent that was made a moment ago.
UNKNOWN_MEMBER = ("serviceaccount", "does not exist")


def passes(error: str) -> bool:
    """Whether Google's refusal is one that time mends."""
    lowered = error.lower().replace(" ", "").replace("_", "")
    unknown = UNKNOWN_MEMBER[0] in lowered and UNKNOWN_MEMBER[1] in error
    return unknown or any(text in error for text in PASSING)


async def _wait(args: pulumi.ResourceHookArgs) -> None:
    await asyncio.sleep(GRANT_SECONDS)


async def _may_pass(args: pulumi.ErrorHookArgs) -> bool:
    if len(args.errors) > RETRIES or not passes(args.errors[0]):
        return False
    await asyncio.sleep(RETRY_SECONDS)
    return True


def after_grants() -> pulumi.ResourceHookBinding:
    """For a resource whose failed create leaves something behind (a function): its create waits for its grants."""
    return pulumi.ResourceHookBinding(before_create=[_wait])


def retry_what_propagates() -> None:
    """Try creates again that are refused only because an API or a grant is not yet known. Call before any resource."""
    hook = pulumi.ErrorHook("propagation", _may_pass)

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        # A failed create of a function leaves a broken function: trying again would end in 409.
        if not args.type_.startswith("gcp:") or args.type_.startswith("gcp:cloudfunctionsv2/"):
            return None
        more = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(on_error=[hook]))
        return pulumi.ResourceTransformResult(props=args.props, opts=pulumi.ResourceOptions.merge(args.opts, more))

    pulumi.runtime.register_resource_transform(transform)
