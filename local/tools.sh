# Sourced, in the root of the checkout, before every uv and pip: what they write stays inside the checkout, and they trust
# the certificate authorities of this machine. A company's proxy has its own there; uv brings a list of its own instead.
# pip 24.2, the first of Python 3.13, trusts the machine by itself. A machine without any: UV_SYSTEM_CERTS=0 UV_NATIVE_TLS=0.
export UV_CACHE_DIR="$PWD/.local/cache/uv" UV_PYTHON_INSTALL_DIR="$PWD/.local/python" UV_LINK_MODE=copy
export PIP_CACHE_DIR="$PWD/.local/cache/pip" PIP_DISABLE_PIP_VERSION_CHECK=1
# One setting: the second name is that of earlier versions of uv.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" UV_NATIVE_TLS="${UV_NATIVE_TLS:-1}"
