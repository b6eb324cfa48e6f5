"""Certificates for tests, made by openssl: an authority, and what it signs."""

import datetime
import pathlib
import subprocess

KINDS = {
    "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    "rsa": ["-newkey", "rsa:2048"],
    "ed25519": ["-newkey", "ed25519"],
}


def openssl(*arguments, **options):
    result = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, timeout=60, **options
    )
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout


class Certificate:
    """Files of a certificate and its key."""

    def __init__(self, certificate, key, chain=None):
        self.certificate, self.key, self.chain = certificate, key, chain

    @property
    def text(self):
        """Certificate, chain and key, as one file holds them."""
        files = [self.certificate, self.chain, self.key]
        return "".join(pathlib.Path(file).read_text() for file in files if file)

    @property
    def der(self):
        return openssl("x509", "-in", self.certificate, "-outform", "DER")


class Authority:
    """An authority with all of its files in one folder."""

    def __init__(self, folder, name="test authority"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificate = str(self.folder / "ca.pem")
        self.key = str(self.folder / "ca.key")
        self._count = 0
        openssl(
            "req", "-x509", *KINDS["ecdsa"], "-nodes", "-keyout", self.key, "-out",
            self.certificate, "-subj", f"/CN={name}", "-days", "30",
        )  # fmt: skip

    def issue(self, *names, kind="ecdsa", days=90, client=False):
        """A certificate for names of the DNS and IP addresses."""
        self._count += 1
        base = self.folder / f"issued{self._count}"
        key, request, certificate = (f"{base}.{end}" for end in ("key", "csr", "crt"))
        openssl(
            "req", "-new", *KINDS[kind], "-nodes", "-keyout", key, "-out", request, "-subj",
            f"/CN={names[0]}",
        )  # fmt: skip
        kinds = ["IP" if name.replace(".", "").isdigit() or ":" in name else "DNS" for name in names]
        alternatives = ",".join(f"{kind}:{name}" for kind, name in zip(kinds, names))
        usage = "clientAuth" if client else "serverAuth"
        openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
            "-set_serial", 1000 + self._count, "-days", days, "-out", certificate, "-extfile",
            "/dev/stdin",
            input=f"subjectAltName={alternatives}\nextendedKeyUsage={usage}\n".encode(),
        )  # fmt: skip
        return Certificate(certificate, key, self.certificate)

    def ocsp_response(self, issued, days=1, revoked=False):
        """What the authority says of a certificate, as the bytes of an OCSP response."""
        serial = openssl("x509", "-in", issued.certificate, "-noout", "-serial").decode()
        serial = serial.strip().partition("=")[2]
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=90)
        end = end.strftime("%y%m%d%H%M%SZ")
        state = f"R\t{end}\t200101000000Z" if revoked else f"V\t{end}\t"
        index = self.folder / "index.txt"
        index.write_text(f"{state}\t{serial}\tunknown\t/CN=x\n")
        response = self.folder / "response.der"
        openssl(
            "ocsp", "-index", index, "-CA", self.certificate, "-rsigner", self.certificate, "-rkey",
            self.key, "-issuer", self.certificate, "-cert", issued.certificate, "-respout",
            response, "-ndays", days, "-noverify",
        )  # fmt: skip
        return response.read_bytes()
