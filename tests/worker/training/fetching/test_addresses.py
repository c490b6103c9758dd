"""Which addresses a worker connects to."""

import ipaddress

import pytest

from domain.job.sources import parse_address
from worker.training.fetching.addresses import find_addresses, is_public
from worker.training.fetching.remote import CannotFetch, FetchInterrupted


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "240.0.0.1",
        "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a00:1::1", "fec0::1", "feff::1", "::7f00:1",
    ],
)  # fmt: skip
def test_addresses_inside_a_network_are_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_other_addresses_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text)) is (text != "::ffff:8.8.8.8")


def test_a_name_of_this_machine_is_refused() -> None:
    address = parse_address("https://localhost/x")
    assert address is not None
    with pytest.raises(CannotFetch, match="not public"):
        find_addresses(address)


def test_a_literal_address_may_be_private() -> None:
    for text in ("http://127.0.0.1:9000/x", "http://[::1]:9000/x"):
        address = parse_address(text)
        assert address is not None
        assert find_addresses(address) == [address.host]


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "999.1.1.1"])
def test_odd_forms_of_addresses_are_refused(host: str) -> None:
    address = parse_address(f"http://{host}/x")
    assert address is not None
    with pytest.raises((CannotFetch, FetchInterrupted)):
        find_addresses(address)
