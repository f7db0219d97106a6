"""The double of BAT: who comes in, and how it says that somebody does not."""

import pytest
from unit.bat.at_bat import TOOL, Operator, title

from servers.bat.annotator import Annotator
from servers.bat.process import PASSWORD, USER


async def test_a_login_is_a_redirect_with_a_session(bat):
    somebody = Operator(bat.url)
    response = await somebody.login()
    assert (response.status_code, response.headers["location"]) == (302, f"{TOOL}/projects/")
    [cookie] = [value for name, value in response.headers.multi_items() if "sessionid" in value]
    assert "HttpOnly" in cookie
    assert (await somebody.get("")).headers["location"] == f"{TOOL}/projects/"


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        (USER, "wrong", "Invalid login or password."),
        ("nobody", PASSWORD, "Invalid login or password."),
        ("", PASSWORD, "This field may not be blank."),
        ("x" * 51, PASSWORD, "no more than 50 characters"),
    ],
)
async def test_a_login_that_fails_is_a_200(bat, name, password, said):
    somebody = Operator(bat.url, name, password)
    response = await somebody.login()
    assert (response.status_code, said in response.text) == (200, True)
    assert "sessionid" not in somebody.browser.cookies


async def test_without_a_session_everything_is_a_redirect_to_the_login_page(bat, operator):
    operator.browser.cookies.delete("sessionid")
    for response in (
        await operator.get("classes/"),
        await operator.post("classes/", name="dog"),
        await operator.delete("project/1/"),
        await operator.post("annotation/1/finish/", **{"load next": "0"}),
    ):
        assert response.status_code == 302
        assert response.headers["location"].startswith(f"{TOOL}/?next={TOOL}/")
    assert bat.rows("SELECT * FROM classes") == []


async def test_a_stale_session_is_taken_away(bat, operator):
    await bat.fault("session expired", "GET", "/classes/")
    response = await operator.get("classes/")
    assert response.headers["location"] == f"{TOOL}/?next={TOOL}/classes/"
    assert "sessionid" not in operator.browser.cookies


async def test_labelers_get_no_farther_than_their_own_pages(bat):
    labeler = Annotator(bat.url, "marina")
    await labeler.sign_up()
    assert "sessionid" not in labeler.browser.cookies
    await labeler.login()
    response = await labeler.browser.get(f"{TOOL}/annotations/")
    assert response.headers["location"].startswith(f"{TOOL}/?next=")
    response = await labeler.browser.get("/admin/annotation_tool/wav/")
    assert response.headers["location"].startswith("/admin/login/?next=")


async def test_the_token_is_asked_for_where_it_was_seen_to_be(bat, operator):
    await operator.post("classes/", name="dog")
    token = operator.browser.cookies["csrftoken"]
    operator.browser.cookies.delete("csrftoken")
    refused = await operator.post("classes/", name="cat")
    assert (refused.status_code, refused.text) == (403, "403 Forbidden")
    refused = await operator.delete("class/1/")
    assert refused.json()["detail"].startswith("CSRF Failed")
    assert "Forbidden" in (await operator.post("update_event/", region_data="{}")).text
    operator.browser.cookies.set("csrftoken", token)
    assert (await operator.post("classes/", name="cat", csrfmiddlewaretoken=token)).status_code == 302
    assert len(bat.rows("SELECT * FROM classes")) == 2


@pytest.mark.parametrize("debug", [True, False])
async def test_another_host_header_is_refused(bat, operator, debug):
    await bat.run_with(debug=debug)
    response = await operator.browser.get(f"{TOOL}/", headers={"Host": "bat.example:8000"})
    assert response.status_code >= 400
    assert ("DisallowedHost" in title(response)) == debug
    assert (await operator.browser.get(f"{TOOL}/", headers={"Host": "localhost"})).status_code == 302


async def test_an_error_is_a_page_of_the_debugger(bat, operator):
    response = await operator.get("new_annotation/?project=x")
    assert response.status_code == 500
    assert title(response).endswith("// Werkzeug Debugger")
    await bat.run_with(debug=False)
    assert title(await operator.get("new_annotation/?project=x")) == ""
