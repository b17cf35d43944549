"""BR Codes, locations and certificates of the simulated PSP."""

from __future__ import annotations

import base64
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from bacen import LOCATION
from guichet.simulators.pix import Certificates, build_simulator, certificates, make_certificates
from guichet.simulators.pix.brcode import BrCode, NotBrCode, read, write
from guichet.simulators.pix.money import amount_of, cents_of, cents_typed
from simulators.pix_stage import Pix, problem

_STATIC = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR"
    "5913Fulano de Tal6008BRASILIA62070503***63041D3D"
)
_DYNAMIC = (
    "00020101021226700014br.gov.bcb.pix2548pix.example.com/8b3da2f39a4140d1a91abd93113bd441"
    "5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***630464E4"
)
_SEVERAL_SCHEMES = (
    "00020104141234567890123426660014BR.GOV.BCB.PIX014466756C616E6F32303139406578616D706C652E636F6D"
    "27300012BR.COM.OUTRO011001234567895204000053039865406123.455802BR5915NOMEDORECEBEDOR"
    "6008BRASILIA61087007490062530515RP12345678-201950300017BR.GOV.BCB.BRCODE01051.0.0"
    "80450014BR.GOV.BCB.PIX0123PADRAO.URL.PIX/0123ABCD81390012BR.COM.OUTRO01190123.ABCD.3456.WXYZ"
    "6304EB76"
)
_WRONG_LENGTH = (
    "00020126360014BR.GOV.BCB.PIX0114+55119432143215204000053039865405"
    "66.665802BR5907EMPRESA6008BRASILIA62080503***6304170E"
)


# BR Codes ---------------------------------------------------------------------------------------


def test_the_manuals_static_code_is_read_and_written() -> None:
    code = BrCode("Fulano de Tal", "BRASILIA", key="123e4567-e12b-12d1-a456-426655440000")
    assert read(_STATIC) == code
    assert write(code) == _STATIC


def test_the_manuals_dynamic_code_is_read_and_written() -> None:
    location = "pix.example.com/8b3da2f39a4140d1a91abd93113bd441"
    code = BrCode("Fulano de Tal", "BRASILIA", location=location)
    assert read(_DYNAMIC) == code
    assert write(code) == _DYNAMIC


def test_pix_is_found_among_several_schemes() -> None:
    code = read(_SEVERAL_SCHEMES)
    assert code.key == "66756C616E6F32303139406578616D706C652E636F6D"
    assert (code.amount_minor, code.txid) == (12345, None)


def test_names_are_written_in_ascii_and_not_too_long() -> None:
    code = read(write(BrCode("Pão de Açúcar & Companhia Limitada", "São José dos Campos", key="k")))
    assert (code.name, code.city) == ("Pao de Acucar & Companhia", "Sao Jose dos Ca")


def test_amount_txid_and_description_go_both_ways() -> None:
    code = BrCode("A", "B", key="k", amount_minor=5, txid="MESA4", description="Mesa 4")
    assert read(write(code)) == code


def _sealed(text: str) -> str:
    # Any text with the check digits that belong to it.
    crc = 0xFFFF
    for byte in text.encode():
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return f"{text}{crc:04X}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("https://example.com", "not-pix"),
        (_STATIC + "0" * 600, "not-pix"),
        (_WRONG_LENGTH, "damaged"),
        (_STATIC[:-1] + "E", "damaged"),
        (_STATIC.replace("BRASILIA", "brasilia"), "damaged"),
        (_STATIC[:60], "damaged"),
        (_sealed(_STATIC[:-4].replace("Fulano", "Fula")), "damaged"),
        (_sealed("00020126" + "999" + "6304"), "damaged"),
        (_sealed("000201" + "00020" + "16304"), "damaged"),
        (_sealed("0002015204000053039865802BR5901A6001B6304"), "not-pix"),
        (_sealed("00020126180014br.gov.bcb.pix5901A6001B6304"), "incomplete"),
        (_sealed("00020126230014br.gov.bcb.pix0101k6001B6304"), "incomplete"),
        (_sealed("00020126230014br.gov.bcb.pix0101k5404much5901A6001B6304"), "damaged"),
    ],
)
def test_what_is_no_code_is_told_why(text: str, why: str) -> None:
    with pytest.raises(NotBrCode) as error:
        read(text)
    assert error.value.why == why


def test_the_check_digits_may_be_in_small_letters() -> None:
    assert read(_STATIC[:-4] + "1d3d").city == "BRASILIA"


def test_a_site_too_far_away_for_a_qr_code_is_refused() -> None:
    with pytest.raises(ValueError, match="77 characters"):
        build_simulator("https://api.example.com", f"https://{'long.' * 12}example.com/simulators")


# Money ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["37.00", "0.01", "1234567890.99"])
def test_amounts_on_the_wire_go_both_ways(text: str) -> None:
    assert amount_of(cents_of(text) or 0) == text


@pytest.mark.parametrize("text", ["37", "37.0", "37,00", "-1.00", "1e3.00", "٣.00", "", None, 37])
def test_what_is_no_amount_is_none(text: object) -> None:
    assert cents_of(text) is None


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("12,50", 1250),
        ("1.234,56", 123456),
        ("1234", 123400),
        ("R$ 7", 700),
        ("1234.56", 123456),
        ("1.234", 123400),
        ("1,2", None),
        ("1.23.456", None),
        ("", None),
        ("abc", None),
    ],
)
def test_amounts_that_people_type(typed: str, cents: int | None) -> None:
    assert cents_typed(typed) == cents


# Locations --------------------------------------------------------------------------------------


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_location_shows_the_charge_signed_to_everybody(pix: Pix) -> None:
    charge = pix.charge()
    answer = pix.browser.get(f"http://{charge['location']}")
    assert answer.headers["content-type"] == "application/jose"
    header, payload, _ = answer.text.split(".")
    shown = _decoded(payload)
    assert (shown["txid"], shown["valor"]) == (charge["txid"], {"original": "37.00"})
    if pix.judge is not None:
        content = {"content-type": "application/json"}
        url = f"{pix.served.api}{LOCATION}/token"
        pix.judge.response("GET", url, 200, headers=content, body=json.dumps(shown).encode())
    assert _decoded(header)["jku"] == f"{pix.served.site}/qr/keys.json"


def test_the_signature_is_by_the_published_key(pix: Pix) -> None:
    header, payload, signature = pix.browser.get(f"http://{pix.charge()['location']}").text.split(
        "."
    )
    (key,) = pix.browser.get(_decoded(header)["jku"]).json()["keys"]
    assert key["kid"] == _decoded(header)["kid"]
    x, y, r, s = (
        int.from_bytes(part)
        for part in (
            *(base64.urlsafe_b64decode(key[name] + "=") for name in "xy"),
            base64.urlsafe_b64decode(signature + "==")[:32],
            base64.urlsafe_b64decode(signature + "==")[32:],
        )
    )
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    signed = f"{header}.{payload}".encode()
    public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))


def test_a_location_of_nothing_payable_says_so(pix: Pix) -> None:
    charge = pix.charge()
    root = charge["location"].rsplit("/", 1)[0]
    problem(pix.browser.get(f"http://{root}/nowhere"), 404, "CobPayloadNaoEncontrado")
    pix.control("clock", advance_seconds=3600)
    problem(pix.browser.get(f"http://{charge['location']}"), 410, "CobPayloadNaoEncontrado")


# Certificates -----------------------------------------------------------------------------------


def _all(found: Certificates) -> list[bytes]:
    pairs = (found.server, found.gateway, found.psp)
    return [found.authority.read_bytes(), *(each.certificate.read_bytes() for each in pairs)]


def test_certificates_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "certificates"
    assert _all(make_certificates(folder)) == _all(make_certificates(folder))


def test_certificates_are_their_owners_only(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    make_certificates(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 8


@pytest.mark.parametrize("days", [0, 20])
def test_certificates_that_run_out_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    monkeypatch.setattr(certificates, "_DAYS", days)
    old = _all(make_certificates(tmp_path))
    monkeypatch.undo()
    new = _all(make_certificates(tmp_path))
    assert not set(old) & set(new)
    soonest = min(x509.load_pem_x509_certificate(each).not_valid_after_utc for each in new)
    assert soonest > datetime.now(UTC) + timedelta(days=300)


@pytest.mark.parametrize("spoil", ["gone", "garbage", "another's key"])
def test_a_spoilt_certificate_is_made_anew_alone(tmp_path: Path, spoil: str) -> None:
    found = make_certificates(tmp_path)
    authority, server, gateway, psp = _all(found)
    if spoil == "gone":
        found.gateway.certificate.unlink()
    elif spoil == "garbage":
        found.gateway.key.write_text("garbage")
    else:
        found.gateway.key.write_bytes(found.psp.key.read_bytes())
    after = _all(make_certificates(tmp_path))
    assert (after[0], after[1], after[3]) == (authority, server, psp)
    assert after[2] != gateway


def test_a_new_authority_makes_everything_new(tmp_path: Path) -> None:
    found = make_certificates(tmp_path)
    before = _all(found)
    found.authority.unlink()
    assert not set(before) & set(_all(make_certificates(tmp_path)))


def test_certificates_are_good_for_nothing_else(tmp_path: Path) -> None:
    found = make_certificates(tmp_path)
    authority = x509.load_pem_x509_certificate(found.authority.read_bytes())
    limits = authority.extensions.get_extension_for_oid(ExtensionOID.NAME_CONSTRAINTS)
    assert limits.critical
    for pair, usage in (
        (found.server, ExtendedKeyUsageOID.SERVER_AUTH),
        (found.gateway, ExtendedKeyUsageOID.CLIENT_AUTH),
        (found.psp, ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        assert list(usages.value) == [usage]
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert not constraints.value.ca


def test_the_psp_trusts_the_authorities_it_is_told(tmp_path: Path) -> None:
    found = make_certificates(tmp_path)
    assert found.psp_context().verify_mode == ssl.CERT_REQUIRED
    (told,) = found.psp_context(found.authority).get_ca_certs()
    assert "Guichet Pix simulator authority" in str(told["subject"])
