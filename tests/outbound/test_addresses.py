"""Which addresses a live webhook may have, as written and as resolved."""

from __future__ import annotations

import pytest

from guichet.outbound.addresses import is_public
from guichet.outbound.policy import ANYWHERE, PUBLIC_ONLY, Policy, RefusedAddress, check_url

REFUSED_LIVE = [
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://2130706433./",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://0x7F.1/",
    "https://127.0.0.0x1/",
    "https://00.0.0.0/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://10.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://192.168.257/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://169.254.169.254/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://169.254.43518/",
    "https://0251.0376.0251.0376/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://203.0.113.9/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::127.0.0.1]/",
    "https://[::8.8.8.8]/",
    "https://[2001:0:4136:e378:8000:63bf:f7f7:f7f7]/",
    "https://[::7f00:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[fe80::1%25eth0]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://db.home.arpa/",
    "https://intranet/",
    "https://merchant/hook",
    "http://example.com/",
]

REFUSED_ALWAYS = [
    "",
    "example.com/hook",
    "/hook",
    "//example.com/hook",
    "https:example.com",
    "https:/example.com",
    "https:///example.com",
    "https://",
    "https://./",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:port/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com/\r\nX-Injected: 1",
    "https://exa mple.com/",
    "https://example.com/\x00",
    "https://example.com/\x7f",
    "https://ex%61mple.com/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://256.256.256.256/",
    "https://1.2.3.4.5/",
    "https://0x/",
    "https://[::1/",
    "https://[127.0.0.1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/",
    "http://[::ffff:169.254.169.254]/",
    "https://example.com/" + "a" * 2100,
]


@pytest.mark.parametrize("url", REFUSED_LIVE)
def test_live_refuses(url: str) -> None:
    with pytest.raises(RefusedAddress):
        check_url(url, PUBLIC_ONLY)


@pytest.mark.parametrize("url", REFUSED_ALWAYS)
@pytest.mark.parametrize("policy", [PUBLIC_ONLY, ANYWHERE], ids=lambda policy: policy.name)
def test_no_policy_takes(url: str, policy: Policy) -> None:
    with pytest.raises(RefusedAddress):
        check_url(url, policy)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook?x=1#y",
        "https://merchant.example.com:8443/",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/",
        "https://xn--caf-dma.example/",
        "HTTPS://Example.COM/a%20b",
    ],
)
def test_live_takes_public_https(url: str) -> None:
    check_url(url, PUBLIC_ONLY)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9000/hook", "http://127.0.0.1/", "http://[::1]:8000/", "http://web/hook"],
)
def test_sandbox_takes_the_developers_own_machine(url: str) -> None:
    check_url(url, ANYWHERE)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1", "64:ff9b::101:101"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


def test_a_refusal_tells_nothing_about_the_inside() -> None:
    with pytest.raises(RefusedAddress) as refusal:
        check_url("https://10.20.30.40/secret-path", PUBLIC_ONLY)
    assert "10.20" not in str(refusal.value)
    assert "secret" not in str(refusal.value)
