#!/bin/sh
# Runs `pulumi preview|up|destroy`, or infra/adopt.py, on the selected stack, after saying plainly what is missing.
# Needs POSIX sh only.
set -eu
cd "$(dirname "$0")/.."
command=${1:-}
case $command in
preview | up | destroy | adopt) shift ;;
*)
    echo "usage: infra/pulumi.sh preview|up|destroy|adopt [options of pulumi]" >&2
    exit 2
    ;;
esac
# Error hooks came with 3.219; Pulumi.yaml says the same to those who call pulumi themselves.
FLOOR_MAJOR=3
FLOOR_MINOR=219

fail() {
    echo "make $command cannot start: $1" >&2
    exit 1
}

command -v pulumi >/dev/null || fail "the Pulumi CLI is not installed. See https://www.pulumi.com/docs/install/"
version=$(pulumi version 2>/dev/null) || version=unknown
numbers=${version#v}
major=${numbers%%.*}
rest=${numbers#*.}
minor=${rest%%.*}
case $major$minor in
*[!0-9]*) ;;
*)
    if [ "$major" -lt $FLOOR_MAJOR ] || { [ "$major" -eq $FLOOR_MAJOR ] && [ "$minor" -lt $FLOOR_MINOR ]; }; then
        fail "the Pulumi CLI is $version and must be $FLOOR_MAJOR.$FLOOR_MINOR.0 or later. See https://www.pulumi.com/docs/install/"
    fi
    ;;
esac
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

case $command in
destroy)
    echo "The dataset, its tables and what they hang on are protected: they stay, and stay in this stack. 'make up' puts the rest back."
    exec pulumi destroy --exclude-protected "$@"
    ;;
adopt)
    [ -x .venv/bin/python ] || fail "there is no environment to run it. Run 'make .venv/ready'."
    export PYTHONPATH="$PWD:$PWD/function"
    exec .venv/bin/python -m infra.adopt "$@"
    ;;
esac
[ -x .venv-policy/bin/python ] || fail "the policy pack has no environment. Run 'make .venv-policy/ready'."
exec pulumi "$command" --policy-pack policy "$@"
