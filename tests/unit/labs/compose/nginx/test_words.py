"""What is said in our own name."""

import pytest

from labs.compose.nginx.words import _CURES, _TEXTS, cure, say

VALUES = {"raw": "R", "path": "P", "service": "S", "command": "C", "target": "T", "seconds": 3}


@pytest.mark.parametrize("text", sorted(_TEXTS))
def test_every_text_is_there_in_both_languages(text: str) -> None:
    """With the same values in it, and French spaces before French marks."""
    texts = _TEXTS[text]
    assert set(texts) == {"fr", "en"}
    assert say(text, {"LAB_LANG": "fr"}, **VALUES) != say(text, {"LAB_LANG": "en"}, **VALUES)
    for name in VALUES:
        assert (f"{{{name}" in texts["fr"]) == (f"{{{name}" in texts["en"])


@pytest.mark.parametrize("french", [texts["fr"] for _, texts in _CURES] + [texts["fr"] for texts in _TEXTS.values()])
def test_french_marks_stand_after_a_space_that_does_not_break(french: str) -> None:
    """``: ; ! ?``, but for those inside names."""
    assert " :" not in french
    assert " ;" not in french
    assert " ?" not in french


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ('cannot load certificate "/a.pem": BIO_new_file() failed (SSL: …:No such file or directory:…', "mounted"),
        ('cannot load certificate key "/a.pem": BIO_new_file() failed (SSL: …Permission denied:…', "chmod u+r"),
        ('SSL_CTX_use_PrivateKey("/a.pem") failed (SSL: error:05800074:…:key values mismatch)', "another certificate"),
        ('SSL_CTX_use_PrivateKey_file("/a.pem") failed (SSL: …bad password read…)', "passphrase"),
        ('cannot load certificate key "/a.pem": PEM_read_bio_PrivateKey() failed (SSL: …unsupported…)', "private key"),
        (
            'cannot load certificate "/a.pem": PEM_read_bio_X509_AUX() failed (SSL: …no start line…)',
            "BEGIN CERTIFICATE",
        ),
        ('host not found in upstream "registri" in /etc/nginx/nginx.conf:1', "no service"),
    ],
)
def test_what_can_be_done_about_it(said: str, advice: str) -> None:
    """One cure for what nginx says of keys and names."""
    assert advice in (cure(f"nginx: [emerg] {said}", {"LAB_LANG": "en"}) or "")


def test_what_nobody_sees_is_named() -> None:
    """A byte order mark stands in nginx's words and cannot be read there."""
    said = 'nginx: [emerg] unknown directive "\ufeffserver" in /etc/nginx/conf.d/registry.conf:1'
    assert "byte order mark (BOM)" in (cure(said, {"LAB_LANG": "en"}) or "")
    assert "marque d'ordre des octets (BOM)" in (cure(said, {"LAB_LANG": "fr"}) or "")


def test_what_says_it_all_needs_no_cure() -> None:
    """A word that is misspelt is named in the message."""
    assert cure('nginx: [emerg] unknown directive "proxi_pass" in /etc/nginx/nginx.conf:1') is None
