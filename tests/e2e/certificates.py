"""Certificates for tests, made by the openssl command: an authority, and what it signs."""
import subprocess


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.key, self.certificate = folder / f"{name}.key", folder / f"{name}.pem"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                 "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def sign(self, name, alternative, days=30):
        """(certificate, key): alternative is a subjectAltName, such as IP:127.0.0.1; days may be negative."""
        key, request, certificate = (self.folder / f"{self.name}-{name}.{end}" for end in ("key", "csr", "pem"))
        extension = self.folder / f"{self.name}-{name}.ext"
        extension.write_text(f"subjectAltName={alternative}\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                 "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days",
                 days, "-extfile", extension, "-out", certificate)
        return certificate, key
