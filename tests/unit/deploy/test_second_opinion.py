"""A finding of Checkov's is mended or argued, and nothing is argued for nothing."""

from typing import Any

from checks.second_opinion import ARGUED, unargued


def report(*findings: str) -> dict[str, Any]:
    """What Checkov says that it found."""
    failed = [{"check_id": each, "check_name": "Be careful", "resource": "Pod one"} for each in findings]
    return {"results": {"failed_checks": failed}}


def test_what_is_argued_stands():
    first, *others = ARGUED
    assert list(unargued([report(first), report(*others)])) == []


def test_what_is_not_argued_is_told():
    assert list(unargued([report(*ARGUED, "CKV_K8S_16")])) == ["checkov: Pod one: Be careful (CKV_K8S_16)"]


def test_what_is_argued_for_nothing_is_told():
    first, *others = ARGUED
    assert list(unargued([report(*others)])) == [f"checkov finds {first} nowhere, and it is argued"]
