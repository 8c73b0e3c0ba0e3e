"""TLS in front of what speaks none: certificates, good and bad ones, and a gate that hands on what comes through."""

import contextlib
import socket
import ssl
import subprocess
import threading
import warnings

HERE = "subjectAltName=DNS:localhost,IP:127.0.0.1"
NEW = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Certificates:
    """PEM files: `ca`, which has signed server, other (another host's), expired and client; `stranger`, which has signed
    nothing here, and `lonely`, which nobody else has signed. What serves or is shown holds its key, too."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = self._own("ca", "basicConstraints=critical,CA:TRUE")
        self.stranger = self._own("stranger", "basicConstraints=critical,CA:TRUE")
        self.lonely = self._own("lonely", HERE)
        self.server = self._signed("server", HERE)
        self.other = self._signed("other", "subjectAltName=DNS:other.example,IP:192.0.2.1")
        self.expired = self._signed("expired", HERE, days="-1")
        self.client = self._signed("client", "subjectAltName=DNS:client.example")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def _join(self, name):
        path = self.folder / f"{name}.pem"
        path.write_text((self.folder / f"{name}.crt").read_text() + (self.folder / f"{name}.key").read_text())
        return path

    def _own(self, name, extension):
        where = ["-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}"]
        self._openssl(*NEW, "-x509", "-days", "2", *where, "-addext", extension)
        return self._join(name)

    def _signed(self, name, extension, days="2"):
        self._openssl(*NEW, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / f"{name}.ext").write_text(f"basicConstraints=CA:FALSE\n{extension}\n")
        by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", days]
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *by, "-extfile", f"{name}.ext")
        return self._join(name)


class Gate:
    """A port that speaks TLS and hands on what comes to another port of this machine. `passed` counts the connections on which anything came."""

    def __init__(self, port, certificate, client_ca=None, old=False, alpn=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        if client_ca:
            self.context.load_verify_locations(client_ca)
            self.context.verify_mode = ssl.CERT_REQUIRED
        if alpn:
            self.context.set_alpn_protocols([alpn])
        if old:
            # Versions before 1.2 need signatures that OpenSSL refuses by default.
            self.context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                self.context.minimum_version = ssl.TLSVersion.TLSv1
                self.context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.behind = port
        self.passed = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                line, _ = self.server.accept()
                threading.Thread(target=self._meet, args=(line,), daemon=True).start()

    def _meet(self, line):
        with line, contextlib.suppress(OSError):
            line.settimeout(60)
            with self.context.wrap_socket(line, server_side=True) as near:
                said = near.recv(65536)
                if not said:
                    return
                self.passed += 1
                with socket.create_connection(("127.0.0.1", self.behind), timeout=60) as far:
                    far.sendall(said)
                    back = threading.Thread(target=self._hand_on, args=(far, near), daemon=True)
                    back.start()
                    self._hand_on(near, far)
                    back.join(60)

    @staticmethod
    def _hand_on(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
