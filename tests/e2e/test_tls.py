"""TLS as docs/security.md promises it, for each connector: who is talked to, in which version, and who is told who calls."""

from urllib.parse import urlsplit

import pytest
from far_ends import CONNECTORS, QUICK, WAYS, far  # noqa: F401
from sandbox import sandbox, sandbox_process  # noqa: F401
from tls import Certificates, Gate

@pytest.fixture(scope="session")
def pem(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("pem"))


@pytest.fixture(params=WAYS)
def job(request, tow, far):  # noqa: F811
    """Puts a gate before a connector's far end, and writes a job with these options: runs it."""
    name = request.param
    plain = {way: far_url for way, far_url in tow.env.items() if way in WAYS[name]}
    gates = []

    def run(options, code, **gate):
        before = len(gates)
        for way, url in plain.items():
            address = urlsplit(url)
            gates.append(Gate(address.port, alpn="h2" if name == "zerobus" else None, **gate))
            tow.env[way] = gates[-1].url + address.path
        source, sink, more = CONNECTORS[name]
        source, sink = source and f"{source} {options}", sink and f"{sink} {options}"
        tow.job(source=source or "", sink=sink or "", more=more + QUICK)
        done = tow.run("run", "job.cfg", code=None)
        assert done.returncode in (code if isinstance(code, tuple) else (code,)), done.stderr
        return done.stderr, sum(one.passed for one in gates[before:])

    run.tow = tow
    yield run
    for one in gates:
        one.close()


def trust(pem, *more):
    return f'ca_file = "{pem.ca}"; ' + " ".join(more)


GONE_WELL = (0, 4)  # a source of system events that are none, a rejected row


def test_a_custom_authority_is_trusted_and_a_client_certificate_shown(job, pem):
    said, passed = job(trust(pem), GONE_WELL, certificate=pem.server)
    assert passed, said
    shown = trust(pem, f'client_cert = "{pem.folder}/client.crt"; client_key = "{pem.folder}/client.key";')
    said, passed = job(shown, GONE_WELL, certificate=pem.server, client_ca=pem.ca)
    assert passed, said


def test_who_is_not_who_it_should_be_is_told_nothing(job, pem):
    cases = [
        # a certificate, what is trusted, and what is said about it
        (pem.other, pem.ca, ["127.0.0.1", "certificate"]),
        (pem.expired, pem.ca, ["expired", "is this machine's clock right?"]),
        (pem.lonely, pem.ca, ["certificate", "ca_file"]),
        (pem.server, pem.stranger, ["certificate", "ca_file"]),
        (pem.server, None, ["certificate", "ca_file"]),
    ]
    for certificate, authority, says in cases:
        said, passed = job(f'ca_file = "{authority}";' if authority else "", 3, certificate=certificate)
        assert passed == 0, certificate
        assert [text for text in says if text not in said] == [], said
    said, passed = job(trust(pem), 3, certificate=pem.server, old=True)
    assert passed == 0
    assert "TLS" in said and "alert protocol version" in said


def test_who_shows_no_certificate_is_turned_away_and_told_why(job, pem):
    said, passed = job(trust(pem), 3, certificate=pem.server, client_ca=pem.ca)
    assert passed == 0
    assert "client_cert" in said


def test_check_refuses_certificates_that_the_run_would(job, pem):
    cases = {
        f'client_cert = "{pem.folder}/nowhere.pem";': "client_cert: ",
        f'client_cert = "{pem.client}"; client_key = "{pem.server}";': "is not that of the certificate",
        f'client_key = "{pem.client}";': "client_cert, which is missing",
        'ca_file = "/nowhere/ca.pem";': "ca_file: ",
    }
    for options, says in cases.items():
        said, passed = job(options, 2, certificate=pem.server)
        assert says in said and passed == 0
        assert says in job.tow.run("check", "job.cfg", code=2).stderr
