import base64
import gzip
import json
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from urllib.parse import quote

import pytest
import yaml

from limen_policy.secret_finder import Found, find

PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n"
PASSWORD, KEY = "a password", "a private key"


def cloud_config(**document: object) -> str:
    return "#cloud-config\n" + yaml.safe_dump(document)


@pytest.mark.parametrize(
    ("document", "what", "path"),
    [
        ({"password": "hunter2"}, PASSWORD, "password"),
        ({"password": 12345}, PASSWORD, "password"),
        ({"users": [{"name": "a"}, {"plain_text_passwd": "x"}]}, PASSWORD, "users[1].plain_text_passwd"),
        ({"users": [{"passwd": "not a hash"}]}, PASSWORD, "users[0].passwd"),
        ({"chpasswd": {"list": "root:x\n"}}, PASSWORD, "chpasswd.list[0]"),
        ({"chpasswd": {"list": ["a:RANDOM", "root:x"]}}, PASSWORD, "chpasswd.list[1]"),
        ({"chpasswd": {"users": [{"name": "a", "password": "x"}]}}, PASSWORD, "chpasswd.users[0].password"),
        ({"ssh_keys": {"ed25519_private": PEM}}, KEY, "ssh_keys.ed25519_private"),
        ({"write_files": [{"path": "/k", "content": PEM}]}, KEY, "write_files[0].content"),
        ({"write_files": [{"content": "DB_PASSWORD=x\n"}]}, PASSWORD, "write_files[0].content"),
        ({"runcmd": ["echo root:x | chpasswd"]}, PASSWORD, "runcmd[0]"),
        ({"runcmd": [["curl", "https://me:x@example.net/"]]}, PASSWORD, "runcmd[0][1]"),
        ({"wifis": {"wlan0": {"access-points": {"my home": {"password": "x"}}}}}, PASSWORD, None),
        ({"ubuntu_advantage": {"token": "x"}}, PASSWORD, "ubuntu_advantage.token"),
    ],
)
def test_what_is_secret_is_found_where_it_stands(document: object, what: str, path: str | None) -> None:
    assert isinstance(document, dict)
    path = path or "wifis.wlan0.access-points.*.password"
    assert find(cloud_config(**document)) == [Found(what, path)]


@pytest.mark.parametrize(
    "document",
    [
        {"ssh_authorized_keys": ["ssh-ed25519 AAAA me@example.net"], "ssh_pwauth": False},
        {"users": [{"name": "a", "lock_passwd": True, "passwd": "$6$salt$hash"}]},
        {"users": [{"name": "a", "passwd": "!"}, {"name": "b", "hashed_passwd": "*"}]},
        {"chpasswd": {"expire": False, "list": ["root:RANDOM", "a:$6$salt$hash"]}},
        {
            "chpasswd": {
                "users": [{"name": "a", "type": "RANDOM"}, {"password": "$y$j9T$a$b", "type": "hash"}]
            }
        },
        {"write_files": [{"content": 'Acquire::http::Proxy "http://10.0.0.1:3142";'}]},
        {"write_files": [{"content": 'PasswordAuthentication no\nPASSWORD=$1\nTOKEN="${TOKEN}"\n'}]},
        {"write_files": [{"content": "-----BEGIN PUBLIC KEY-----\nMCo=\n"}]},
        {"runcmd": ["echo done"], "packages": ["vim"], "hostname": "web"},
    ],
)
def test_what_is_no_secret_is_left_alone(document: object) -> None:
    assert isinstance(document, dict)
    assert find(cloud_config(**document)) == []


def test_hashes_are_secret_where_it_is_asked_for() -> None:
    text = cloud_config(users=[{"passwd": "$6$salt$hash"}], chpasswd={"list": ["a:$6$salt$hash"]})
    assert find(text) == []
    assert {each.what for each in find(text, hashes=True)} == {"a password's hash"}
    assert len(find(text, hashes=True)) == 2


def encoded(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


def test_an_encoding_hides_nothing() -> None:
    zipped = base64.b64encode(gzip.compress(PEM.encode())).decode()
    files = [
        {"encoding": "b64", "content": encoded(PEM)},
        {"encoding": "gz+b64", "content": zipped},
        {"encoding": "b64", "content": "no base64!"},
        {"encoding": "b64", "content": encoded("harmless")},
    ]
    assert [each.path for each in find(cloud_config(write_files=files))] == [
        "write_files[0].content",
        "write_files[1].content",
    ]


def test_ignition_is_read_with_its_data_urls() -> None:
    sources = [f"data:,{quote(PEM)}", f"data:;base64,{encoded(PEM)}", "https://example.net/file"]
    files = [{"path": "/k", "contents": {"source": source}} for source in sources]
    document = {"passwd": {"users": [{"passwordHash": "$y$j9T$a$b"}]}, "storage": {"files": files}}
    assert find(json.dumps(document)) == [
        Found(KEY, "storage.files[0].contents.source"),
        Found(KEY, "storage.files[1].contents.source"),
    ]


def test_parts_of_a_mime_message_are_read_one_by_one() -> None:
    message = MIMEMultipart()
    message.attach(MIMEText("#!/bin/sh\nexport ROOT_PASSWORD=x\n", "x-shellscript"))
    message.attach(MIMEText(cloud_config(password="x"), "cloud-config"))
    assert find(message.as_string()) == [Found(PASSWORD, "part[0]"), Found(PASSWORD, "part[1].password")]


def test_scripts_and_broken_documents_are_searched_by_line() -> None:
    assert find("#!/bin/sh\nTOKEN=abc ./run\n") == [Found(PASSWORD, "")]
    assert find(f"#cloud-config\nbroken: [\n{PEM}") == [Found(KEY, "")]
    assert find("") == []


def test_aliases_do_not_make_it_walk_for_ever() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert find("\n".join(lines)) == []
    assert find("a: &a\n  password: x\n  again: *a\n") == [Found(PASSWORD, "a.password")]


def test_a_value_is_never_part_of_what_is_found() -> None:
    text = cloud_config(password="hunter2", users=[{"plain_text_passwd": "hunter2"}])
    assert "hunter2" not in repr(find(text))
