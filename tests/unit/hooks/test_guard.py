from __future__ import annotations

import pytest

from formrelay.hooks.guard import allowed, policy

PUBLIC = ["8.8.8.8", "52.95.110.1", "2a00:1450:4001:830::200e", "2606:4700::1111", "::ffff:8.8.8.8"]
FORBIDDEN = {
    "this host": "0.0.0.0",
    "this network": "0.1.2.3",
    "private 10": "10.0.0.1",
    "shared address space": "100.64.0.1",
    "metadata of another cloud": "100.100.100.200",
    "loopback": "127.0.0.1",
    "loopback, other": "127.255.255.254",
    "platform address": "168.63.129.16",
    "metadata": "169.254.169.254",
    "container credentials": "169.254.170.2",
    "private 172": "172.31.255.255",
    "protocol assignments": "192.0.0.192",
    "documentation 1": "192.0.2.1",
    "6to4 relay": "192.88.99.1",
    "private 192": "192.168.1.1",
    "benchmarks": "198.19.255.255",
    "documentation 2": "198.51.100.1",
    "documentation 3": "203.0.113.1",
    "multicast": "224.0.0.1",
    "global multicast": "239.255.255.250",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "unspecified 6": "::",
    "loopback 6": "::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped private": "::ffff:10.0.0.1",
    "mapped, in hexadecimal": "::ffff:7f00:1",
    "compatible": "::127.0.0.1",
    "SIIT": "::ffff:0:127.0.0.1",
    "NAT64": "64:ff9b::7f00:1",
    "NAT64 of a public address": "64:ff9b::808:808",
    "NAT64, local use": "64:ff9b:1::7f00:1",
    "6to4": "2002:7f00:1::",
    "6to4 of a public address": "2002:808:808::",
    "Teredo": "2001:0:808:808::f5ff:fffe",
    "ISATAP": "2a00:1450::5efe:7f00:1",
    "ISATAP, global bit": "2a00:1450::200:5efe:a00:1",
    "ORCHID": "2001:20::1",
    "documentation 6": "2001:db8::1",
    "documentation 6, new": "3fff::1",
    "6bone": "3ffe::1",
    "discard": "100::1",
    "segment routing": "5f00::1",
    "unique local": "fd00:ec2::254",
    "link-local": "fe80::1",
    "link-local with zone": "fe80::1%eth0",
    "site-local": "fec0::1",
    "multicast 6": "ff0e::1",
    "unallocated": "4000::1",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert allowed(address, policy())


@pytest.mark.parametrize("address", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_an_address_that_is_not_globally_routable_unicast_is_refused(address: str) -> None:
    assert not allowed(address, policy())


@pytest.mark.parametrize("text", ["", "localhost", "0x7f.1", "2130706433", "8.8.8.8 ", "8.8.8.8:80", "[::1]"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not allowed(text, policy(["0.0.0.0/0", "::/0"]))


def test_an_operator_can_allow_a_private_network() -> None:
    exception = policy(["10.1.0.0/16"])
    assert allowed("10.1.2.3", exception)
    assert allowed("::ffff:10.1.2.3", exception)
    assert not allowed("10.2.0.1", exception)


def test_loopback_can_be_allowed_in_both_families() -> None:
    exception = policy(["127.0.0.0/8", "::1/128"])
    assert allowed("127.0.0.1", exception)
    assert allowed("::1", exception)
    assert not allowed("::", exception)
    assert not allowed("::127.0.0.1", policy(["::1/128"]))


def test_an_allowed_translator_does_not_open_the_addresses_behind_it() -> None:
    exception = policy(["64:ff9b::/96"])
    assert allowed("64:ff9b::8.8.8.8", exception)
    assert not allowed("64:ff9b::127.0.0.1", exception)


def test_a_denied_network_is_refused_in_each_spelling_even_when_allowed() -> None:
    denied = policy(["64:ff9b::/96", "8.8.8.0/24"], ["8.8.8.0/24"])
    assert not allowed("8.8.8.8", denied)
    assert not allowed("::ffff:8.8.8.8", denied)
    assert not allowed("64:ff9b::8.8.8.8", denied)
    assert allowed("8.8.4.4", denied)


def test_a_policy_of_a_text_that_is_no_network_is_an_error() -> None:
    with pytest.raises(ValueError, match="300"):
        policy(["300.0.0.0/8"])
