"""A stand-in for Lambda that speaks TLS. Its own authority has signed its certificate for
127.0.0.1.

  tls.py BUNDLE    writes the authority's certificate to BUNDLE, then its port and a line for each
                   request to standard output
"""

import datetime
import http.server
import ipaddress
import ssl
import sys
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate(name, issuer, key, signer, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        # One write, since two threads may serve requests concurrently.
        sys.stdout.write(f"{self.path}\n")
        sys.stdout.flush()
        self.send_response(202 if self.headers["x-amz-invocation-type"] == "Event" else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
with open(sys.argv[1], "wb") as bundle:
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    bundle.write(certificate("authority", "authority", authority, authority, [constraints]))
address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
with tempfile.NamedTemporaryFile() as chain:
    chain.write(certificate("lambda", "authority", own, authority, [address]))
    chain.write(
        own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    chain.flush()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain.name)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
# The handshake happens at the first read, on the connection's thread.
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
