"""Links and redirects that a browser opens are opened, though they are not spelled as the standard says."""

import pytest

from exports.transport.errors import AddressError
from exports.transport.open_url import open_url
from exports.transport.redirects import quote_url, resolve_link, resolve_redirect
from exports.transport.ssrf import AddressGuard
from tests.helpers.raw_server import RawServer, answer, field_bytes, sized

LINKS = {
    "Promo 100% bio.csv": "Promo%20100%25%20bio.csv",
    "Promo%20100%25%20bio.csv": "Promo%20100%25%20bio.csv",
    "Promo%20100% bio.csv": "Promo%20100%25%20bio.csv",
    "100%": "100%25",
    "50%zz%4": "50%25zz%254",
    "Prénom-commandes.csv": "Pr%C3%A9nom-commandes.csv",
    "Pr%c3%a9nom.csv": "Pr%c3%a9nom.csv",
    "注文 2026.csv": "%E6%B3%A8%E6%96%87%202026.csv",
    "a\\b.csv": "a/b.csv",
    "./a/../b.csv": "b.csv",
    "a%2Fb%2e%2e.csv": "a%2Fb%2e%2e.csv",
    'a"<b>^`{c}|.csv': "a%22%3Cb%3E%5E%60%7Bc%7D%7C.csv",
    "a'()*!$&,;=:@~[1].csv": "a'()*!$&,;=:@~[1].csv",
    "f.csv#page=2": "f.csv",
    "f.csv \n": "f.csv",
    "f\r\n.c\tsv": "f.csv",
    "f.csv?sig=a%2Fb%3d==&x=1+2 3": "f.csv?sig=a%2Fb%3d==&x=1+2%203",
    "f.csv?name=ré\\sumé%": "f.csv?name=r%C3%A9%5Csum%C3%A9%25",
    "f.csv?u=http://x/../y": "f.csv?u=http://x/../y",
    "\ud83d.csv": "%EF%BF%BD.csv",
}


@pytest.mark.parametrize("link", LINKS, ids=ascii)
def test_a_link_is_sent_as_a_host_expects_it(raw: RawServer, link: str) -> None:
    raw.on(f"GET /files/{LINKS[link]}", sized(b"the file"))
    with open_url(f"{raw.origin}/files/{link}", raw.guard, {}, lambda call: None) as opened:
        assert (opened.status, b"".join(opened.chunks(99))) == (200, b"the file")


@pytest.mark.parametrize("link", LINKS, ids=ascii)
def test_what_is_encoded_already_stays(link: str) -> None:
    quoted = quote_url(f"https://host.example.org/files/{link}")
    assert quote_url(quoted) == quoted


@pytest.mark.parametrize(
    "link", ["/exports/7.csv", "exports/7.csv", "//{host}/exports/7.csv", "/\\{host}\\exports\\7.csv"]
)
def test_a_relative_link_is_relative_to_where_it_came_from(raw: RawServer, link: str) -> None:
    raw.on("GET /exports/7.csv", sized(b"the file"))
    link = resolve_link(f"{raw.origin}/", link.replace("{host}", raw.host))
    with open_url(link, raw.guard, {}, lambda call: None) as opened:
        assert b"".join(opened.chunks(99)) == b"the file"


def test_raw_utf8_in_a_redirect_is_followed(raw: RawServer) -> None:
    moved = field_bytes("utf8-location.http").replace(b"https://files.example.org/exports", raw.origin.encode())
    raw.on("GET /start", moved)
    raw.on("GET /Pr%C3%A9nom-commandes.csv", sized(b"the file"))
    with open_url(f"{raw.origin}/start", raw.guard, {}, lambda call: None) as opened:
        assert b"".join(opened.chunks(99)) == b"the file"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"/Pr\xc3\xa9nom 1.csv", "/Pr%C3%A9nom%201.csv"),
        (b"/Pr\xe9nom.csv", "/Pr%E9nom.csv"),
        (b"Promo 100% bio.csv", "/dir/Promo%20100%25%20bio.csv"),
        (b"../a b.csv?x=y z", "/a%20b.csv?x=y%20z"),
        (b"?again=1", "/dir/start?again=1"),
        (b"//HOST/x y.csv", "/x%20y.csv"),
        (b"\\\\HOST\\x.csv", "/x.csv"),
        (b"///HOST/x.csv", "/x.csv"),
        (b"http:////HOST/x.csv", "/x.csv"),
        (b"/a//b.csv", "/a//b.csv"),
        (b"http://HOST/%c3%a9.csv", "/%c3%a9.csv"),
        (b"HTTP://HOST/x.csv#top", "/x.csv"),
    ],
)
def test_a_redirect_is_read_as_browsers_do(raw: RawServer, location: bytes, target: str) -> None:
    line = b"Location: " + location.replace(b"HOST", raw.host.encode())
    raw.on("GET /dir/start", answer(b"", line.decode("latin-1"), "Content-Length: 0", status="302 Found"))
    raw.on(f"GET {target}", sized(b"the file"))
    with open_url(f"{raw.origin}/dir/start", raw.guard, {}, lambda call: None) as opened:
        assert b"".join(opened.chunks(99)) == b"the file"


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("https://exämple.org/ü", "https://xn--exmple-cua.org/%C3%BC"),
        ("https://EXAMPLE.org:8443/a b", "https://EXAMPLE.org:8443/a%20b"),
        ("https://example.org", "https://example.org"),
        ("https://example.org?a b", "https://example.org?a%20b"),
        ("//cdn.example.org/x", "https://cdn.example.org/x"),
        ("https://fa\u00df.example.org/x", "https://xn--fa-hia.example.org/x"),
        ("https://\u1e9e.\u03b2\u03cc\u03bb\u03bf\u03c2\u3002org/", "https://xn--zca.xn--nxasmm1c.org/"),
        ("x y", "https://api.example.org/x%20y"),
    ],
)
def test_hosts_and_bases_are_resolved(link: str, target: str) -> None:
    assert resolve_link("https://api.example.org/", link) == target


PRIVATE = [
    "https://127.0.0.1/a b", "https://\uff11\uff12\uff17.0.0.1/é", "https://①②⑦.0.0.1/", "https://lo\u00adcalhost/x",
    "//127.0.0.1/x y", "/\\127.0.0.1/x", "\\\\localhost\\x", "https://example.org\\@127.0.0.1/", "http://example.org/x",
    "https://exa mple.org/", "https://user@example.org/a b", "ftp://example.org/x", "javascript:alert(1)", "data:,x",
    "https://[::1]/é", "https://127.0.0.1%2f@example.org/", "https://ex%61mple.org/",
]  # fmt: skip


@pytest.mark.parametrize("link", PRIVATE, ids=ascii)
def test_the_address_rules_hold_for_the_result(raw: RawServer, link: str) -> None:
    with (
        pytest.raises(AddressError),
        open_url(resolve_link("https://api.example.org/", link), AddressGuard(), {}, lambda call: None),
    ):
        pass
    latin = link.encode().decode("latin-1")
    raw.on("GET /start", answer(b"", f"Location: {latin}", status="302 Found"))
    if not link.startswith(("//127", "/\\127", "\\\\")):  # The stub's own scheme and host are allowed here.
        with pytest.raises(AddressError), open_url(f"{raw.origin}/start", raw.guard, {}, lambda call: None):
            pass
    assert "\\@" not in resolve_redirect("https://api.example.org/", "a\\@b")
