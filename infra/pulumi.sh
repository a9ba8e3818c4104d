#!/bin/sh
# Runs `pulumi preview|up|destroy` on the selected stack, after saying plainly what is missing. Needs POSIX sh only.
set -eu
cd "$(dirname "$0")/.."
command=${1:-}
case $command in
preview | up | destroy) shift ;;
*)
    echo "usage: infra/pulumi.sh preview|up|destroy [options of pulumi]" >&2
    exit 2
    ;;
esac

fail() {
    echo "make $command cannot start: $1" >&2
    exit 1
}

command -v pulumi >/dev/null || fail "the Pulumi CLI is not installed. See https://www.pulumi.com/docs/install/"
pulumi whoami >/dev/null 2>&1 || fail "not logged in to a Pulumi backend. Run 'pulumi login', or 'pulumi login gs://BUCKET'."
pulumi stack --show-name >/dev/null 2>&1 || fail "no stack is selected. Run 'pulumi stack init prod' or 'pulumi stack select prod'."
if [ -z "${GOOGLE_CREDENTIALS:-}${GOOGLE_APPLICATION_CREDENTIALS:-}" ]; then
    command -v gcloud >/dev/null || fail "there are no Google Cloud credentials, and no gcloud to get some. See docs/deploy.md."
    gcloud auth application-default print-access-token >/dev/null 2>&1 ||
        fail "there are no Google Cloud credentials. Run 'gcloud auth application-default login'."
fi
# The program needs Python 3.13, which .venv has and `python3` may not be.
if [ -x .venv/bin/python ]; then
    export PULUMI_PYTHON_CMD="${PULUMI_PYTHON_CMD:-$PWD/.venv/bin/python}"
fi
if [ ! .venv-infra/ready -nt infra/requirements.txt ]; then
    pulumi install
    touch .venv-infra/ready
fi

if [ "$command" = destroy ]; then
    echo "The dataset and its tables are protected: destroying stops there unless docs/deploy.md, 'Destroy', was followed."
    exec pulumi destroy "$@"
fi
[ -x .venv-policy/bin/python ] || fail "the policy pack has no environment. Run 'make .venv-policy/ready'."
exec pulumi "$command" --policy-pack policy "$@"
