"""Certificates for the TLS scenarios, made by the `openssl` program."""

import base64
import os
import re
import subprocess

from .procs import StartError

NAME = "bench.example"
_KEYS = {
    "ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    "rsa": ["rsa:2048"],
}
CLIENT_CONFIG = """openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = client
[client]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
Groups = X25519
"""


def make(path, kind, name=NAME):
    """Writes a self-signed certificate and its key into one file; returns its path."""
    key = path + ".key"
    argv = ["openssl", "req", "-x509", "-nodes", "-days", "30", "-newkey", *_KEYS[kind]]
    argv += ["-keyout", key, "-out", path, "-subj", f"/CN={name}"]
    argv += ["-addext", f"subjectAltName=DNS:{name}"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartError(f"openssl: {error}") from error
    if done.returncode != 0:
        raise StartError(f"openssl req: {done.stderr.strip()[-200:]}")
    with open(path, "a", encoding="ascii") as both, open(key, encoding="ascii") as file:
        both.write(file.read())
    os.remove(key)
    return path


def numbered(number):
    """The host name of one certificate of `make_many`."""
    return f"site{number:07}.example"


def make_many(folder, count):
    """Fills a folder with certificates of one EC key for the names of `numbered`.

    One of them is signed by openssl; the others are its bytes with another name of the same
    length. Their signatures are wrong then, but nobody checks that of a certificate of one's own.
    """
    os.makedirs(folder)
    path = make(os.path.join(folder, "first.pem"), "ecdsa", numbered(0))
    with open(path, encoding="ascii") as file:
        text = file.read()
    os.remove(path)
    found = re.search(r"-----BEGIN CERTIFICATE-----\n(.*?)-----END CERTIFICATE-----\n", text, re.S)
    binary, key = base64.b64decode(found[1]), text[found.end() :]
    old = numbered(0).encode()
    for number in range(count):
        name = numbered(number)
        coded = base64.encodebytes(binary.replace(old, name.encode())).decode()
        with open(os.path.join(folder, f"{name}.pem"), "w", encoding="ascii") as file:
            file.write(f"-----BEGIN CERTIFICATE-----\n{coded}-----END CERTIFICATE-----\n{key}")
