"""Settings of a directory: refused where nobody could sign in with them, or somebody could listen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.errors import InvalidInput
from appliance.identity.ldap.directory import configure, directory_of, remove
from appliance.identity.ldap.settings import SCHEMAS, LdapSettings, check, load, place
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.ldap_server import write_certificates


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> LdapSettings:
    folder: Path = tmp_path_factory.mktemp("ca")
    write_certificates(folder)
    pem = (folder / "ca.pem").read_text()
    return LdapSettings("active-directory", ("ldaps://dc1.plant",), pem, "cn=d2r,dc=plant", "dc=plant", "ou=g,dc=plant")


def test_what_is_kept_is_what_was_given(good: LdapSettings) -> None:
    assert load(check(good).dump()) == good


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("ldaps://dc1.plant", ("dc1.plant", 636, True)),
        ("ldap://dc1.plant", ("dc1.plant", 389, False)),
        ("ldaps://dc1.plant:3269/", ("dc1.plant", 3269, True)),
        ("ldaps://[fd00::1]", ("fd00::1", 636, True)),
    ],
)
def test_an_address_says_host_port_and_how_tls_begins(url: str, found: tuple[str, int, bool]) -> None:
    assert place(url) == found


@pytest.mark.parametrize(
    "url", ["", "dc1", "http://dc1", "ldapi:///var/run/slapd", "ldaps://", "ldaps://a:b@dc1", "ldap://dc1/dc=x", "ldap://x:9999999"]
)  # fmt: skip
def test_other_addresses_are_refused(good: LdapSettings, url: str) -> None:
    with pytest.raises(InvalidInput):
        check(replace(good, urls=(url,)))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "novell"}, {"urls": ()}, {"urls": ("ldaps://x",) * 5}, {"ca_pem": ""}, {"ca_pem": "nonsense"},
        {"ca_pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, {"bind_dn": "somebody"},
        {"bind_dn": ""}, {"user_base": "=x"}, {"group_base": "plant"}, {"user_filter": "(uid=ann)"},
        {"user_filter": "(uid={login}"}, {"user_filter": "uid={login}"}, {"user_filter": "(uid={login}{other})"},
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_when_it_is_said(good: LdapSettings, change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        check(replace(good, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_filters_of_the_kinds_are_filters(good: LdapSettings, kind: str) -> None:
    assert check(replace(good, kind=kind)).filter == SCHEMAS[kind].user_filter


def test_the_password_is_kept_wrapped_and_shown_to_no_other_server(site: Site, good: LdapSettings) -> None:
    with pytest.raises(InvalidInput, match="missing"):
        configure(site, good, None, SYSTEM)
    configure(site, good, "a-long-password", SYSTEM)
    configure(site, replace(good, user_base="ou=all,dc=plant"), None, SYSTEM)
    for change in ({"urls": ("ldaps://evil.example",)}, {"bind_dn": "cn=other,dc=plant"}):
        with pytest.raises(InvalidInput, match="missing"):
            configure(site, replace(good, **change), None, SYSTEM)  # type: ignore[arg-type]
    known = directory_of(site)
    assert known
    assert known.settings.user_base == "ou=all,dc=plant"
    site.close()
    assert not [
        file for file in site.settings.data.rglob("*") if file.is_file() and b"a-long-pass" in file.read_bytes()
    ]
    remove(site, SYSTEM)
    assert directory_of(site) is None
