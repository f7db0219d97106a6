"""What a cluster may have besides comes to what is there already."""

from checks.parts import Part, of_kind
from checks.sizes import too_large

from .breaking import container, of


def test_the_autoscaled_embedder_waits_for_a_gpu_that_is_free(everything: list[Part]):
    embedder = of(everything, "Deployment", "embedder")
    assert container(everything, "Deployment", "embedder")["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert embedder["spec"]["strategy"] == {"type": "Recreate"}
    assert embedder["spec"]["template"]["spec"]["nodeSelector"] == {"nvidia.com/gpu.present": "true"}


def test_what_a_store_elsewhere_stands_for_is_gone(everything: list[Part]):
    assert not of_kind(everything, "StatefulSet")
    assert "seaweedfs" not in {part["metadata"]["name"] for part in everything}


def test_the_watchers_account_is_made_with_the_others(everything: list[Part]):
    given = [each["secretRef"]["name"] for each in container(everything, "Job", "accounts-0-1-0")["envFrom"]]
    assert [name.rpartition("-")[0] for name in given] == ["escolta-accounts", "escolta-autoscaling"]


def test_what_is_too_large_to_be_applied_is_told_of(everything: list[Part]):
    assert too_large(everything) == []
    of(everything, "ConfigMap", "escolta-dashboards")["data"]["more.json"] = "x" * 262_144
    assert too_large(everything) == [
        "ConfigMap escolta-dashboards is larger than what `kubectl apply` keeps of it: divide it"
    ]
