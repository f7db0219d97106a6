"""The OpenAPI document is complete enough to make a client from."""

from collections import Counter


async def test_every_operation_has_a_name_a_line_and_a_model(gateway):
    document = gateway.app.openapi()
    names: Counter[str] = Counter()
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            names[operation["operationId"]] += 1
            assert operation["summary"], path
            assert operation["description"], path
            assert operation["tags"] == ["label-gateway"], path
            [success, *_] = [
                answer for status, answer in sorted(operation["responses"].items()) if status.startswith("2")
            ]
            if verb == "delete":
                continue
            for content in success["content"].values():
                assert content["schema"], f"{verb} {path} does not say what it answers"
    assert set(names.values()) == {1}


async def test_every_operation_but_the_sign_in_asks_for_a_session(gateway):
    for path, verbs in gateway.app.openapi()["paths"].items():
        for verb, operation in verbs.items():
            asks = {name for entry in operation.get("security", []) for name in entry}
            expected = set() if (verb, path) == ("post", "/api/session") else {"HTTPBearer", "APIKeyCookie"}
            assert asks == expected, path


async def test_no_operation_tells_which_audios_were_drawn_at_random(gateway):
    """Nor why an audio was chosen, from which it would follow: by a field's name, whatever the role."""
    secret = {
        "control",
        "mismatched",
        "disjoint_set",
        "nearest_medoid",
        "propagated_class",
        "predicted_class",
    }
    models = gateway.app.openapi()["components"]["schemas"]
    assert models
    for name, model in models.items():
        assert not secret & set(model.get("properties", {})), name
